package org.kvmdev.runtime;

import java.nio.ByteOrder;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;

/**
 * A memory that is one array from address 0: most significant byte first, as snapshots print it,
 * unless it says otherwise.
 */
final class BytesMemory implements UserMemory {
  private final byte[] bytes;
  private final ByteOrder order;

  BytesMemory(byte[] bytes) {
    this(bytes, ByteOrder.BIG_ENDIAN);
  }

  BytesMemory(byte[] bytes, ByteOrder order) {
    this.bytes = bytes;
    this.order = order;
  }

  byte[] bytes() {
    return bytes;
  }

  @Override
  public ByteOrder order() {
    return order;
  }

  @Override
  public void read(long address, byte[] to, int at, int length) throws KvmException {
    requireInside(address, length);
    System.arraycopy(bytes, (int) address, to, at, length);
  }

  @Override
  public void write(long address, byte[] from, int at, int length) throws KvmException {
    requireInside(address, length);
    System.arraycopy(from, at, bytes, (int) address, length);
  }

  @Override
  public long readNumber(long address, int size) throws KvmException {
    requireInside(address, size);
    long number = 0;
    for (int i = 0; i < size; i++) {
      number |= (bytes[(int) address + i] & 0xffL) << shift(i, size);
    }
    return number;
  }

  @Override
  public void writeNumber(long address, int size, long value) throws KvmException {
    requireInside(address, size);
    for (int i = 0; i < size; i++) {
      bytes[(int) address + i] = (byte) (value >>> shift(i, size));
    }
  }

  private int shift(int index, int size) {
    return 8 * (order == ByteOrder.BIG_ENDIAN ? size - 1 - index : index);
  }

  private void requireInside(long address, int length) throws KvmException {
    if (address < 0 || address > bytes.length - length) {
      throw new KvmException(
          Errno.EFAULT, "%d bytes where the attribute has %d", length, bytes.length);
    }
  }
}
