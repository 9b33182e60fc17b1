package org.kvmdev.api;

import java.nio.ByteOrder;

/** The memory of a process that has none mapped. */
final class UnmappedMemory implements UserMemory {
  @Override
  public ByteOrder order() {
    return ByteOrder.nativeOrder();
  }

  @Override
  public void read(long address, byte[] to, int at, int length) throws KvmException {
    throw unmapped(address);
  }

  @Override
  public void write(long address, byte[] from, int at, int length) throws KvmException {
    throw unmapped(address);
  }

  @Override
  public long readNumber(long address, int size) throws KvmException {
    throw unmapped(address);
  }

  @Override
  public void writeNumber(long address, int size, long value) throws KvmException {
    throw unmapped(address);
  }

  private static KvmException unmapped(long address) {
    return new KvmException(Errno.EFAULT, "the address %#x is not mapped", address);
  }
}
