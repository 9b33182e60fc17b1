package org.kvmdev.benchmarks.machine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.kvmdev.api.UserMemory;

/** A guest's memory, on the heap. */
final class GuestRam implements UserMemory {
  final ByteBuffer bytes;

  GuestRam(int size) {
    bytes = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public ByteOrder order() {
    return ByteOrder.LITTLE_ENDIAN;
  }

  @Override
  public void read(long address, byte[] to, int at, int length) {
    bytes.get((int) address, to, at, length);
  }

  @Override
  public void write(long address, byte[] from, int at, int length) {
    bytes.put((int) address, from, at, length);
  }

  @Override
  public long readNumber(long address, int size) {
    throw new UnsupportedOperationException("bytes alone are read");
  }

  @Override
  public void writeNumber(long address, int size, long value) {
    throw new UnsupportedOperationException("bytes alone are written");
  }
}
