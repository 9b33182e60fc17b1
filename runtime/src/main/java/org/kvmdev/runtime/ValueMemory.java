package org.kvmdev.runtime;

import java.nio.ByteOrder;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;

/**
 * The memory of a Java program that gets or sets one number: the number is at address 0, and
 * nothing is anywhere else.
 */
final class ValueMemory implements UserMemory {
  private long value;

  ValueMemory(long value) {
    this.value = value;
  }

  long value() {
    return value;
  }

  @Override
  public ByteOrder order() {
    return ByteOrder.LITTLE_ENDIAN;
  }

  @Override
  public void read(long address, byte[] to, int at, int length) throws KvmException {
    requireInside(address, length);
    for (int i = 0; i < length; i++) {
      to[at + i] = (byte) (value >>> 8 * (address + i));
    }
  }

  @Override
  public void write(long address, byte[] from, int at, int length) throws KvmException {
    requireInside(address, length);
    for (int i = 0; i < length; i++) {
      int shift = (int) (8 * (address + i));
      value = value & ~(0xffL << shift) | (from[at + i] & 0xffL) << shift;
    }
  }

  @Override
  public long readNumber(long address, int size) throws KvmException {
    requireInside(address, size);
    return size == 8 ? value : value & (1L << 8 * size) - 1;
  }

  @Override
  public void writeNumber(long address, int size, long number) throws KvmException {
    requireInside(address, size);
    value = size == 8 ? number : number & (1L << 8 * size) - 1;
  }

  private static void requireInside(long address, int length) throws KvmException {
    if (address < 0 || address + length > 8) {
      throw new KvmException(
          Errno.EFAULT, "%d bytes at %d: one number of at most 8 bytes is there", length, address);
    }
  }
}
