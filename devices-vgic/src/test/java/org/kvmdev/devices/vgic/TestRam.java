package org.kvmdev.devices.vgic;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.kvmdev.api.UserMemory;

/** A guest's memory, for tests. */
class TestRam implements UserMemory {
  final ByteBuffer bytes;

  TestRam(int size) {
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
    long value = 0;
    for (int i = size - 1; i >= 0; i--) {
      value = value << 8 | bytes.get((int) address + i) & 0xff;
    }
    return value;
  }

  @Override
  public void writeNumber(long address, int size, long value) {
    for (int i = 0; i < size; i++) {
      bytes.put((int) address + i, (byte) (value >>> 8 * i));
    }
  }
}
