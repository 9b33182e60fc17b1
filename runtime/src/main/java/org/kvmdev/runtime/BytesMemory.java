package org.kvmdev.runtime;

import java.nio.ByteOrder;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;

/**
 * A memory that is one array from address 0, most significant byte first, as snapshots print it.
 */
final class BytesMemory implements UserMemory {
  private final byte[] bytes;

  BytesMemory(byte[] bytes) {
    this.bytes = bytes;
  }

  byte[] bytes() {
    return bytes;
  }

  @Override
  public ByteOrder order() {
    return ByteOrder.BIG_ENDIAN;
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
      number = number << 8 | bytes[(int) address + i] & 0xff;
    }
    return number;
  }

  @Override
  public void writeNumber(long address, int size, long value) throws KvmException {
    requireInside(address, size);
    for (int i = 0; i < size; i++) {
      bytes[(int) address + i] = (byte) (value >>> 8 * (size - 1 - i));
    }
  }

  private void requireInside(long address, int length) throws KvmException {
    if (address < 0 || address > bytes.length - length) {
      throw new KvmException(
          Errno.EFAULT, "%d bytes where the attribute has %d", length, bytes.length);
    }
  }
}
