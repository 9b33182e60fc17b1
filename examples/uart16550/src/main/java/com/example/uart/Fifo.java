package com.example.uart;

/** A FIFO of up to 16 bytes. */
final class Fifo {
  static final int SIZE = 16;

  private final byte[] bytes = new byte[SIZE];
  private int first;
  private int count;

  int count() {
    return count;
  }

  boolean isEmpty() {
    return count == 0;
  }

  void clear() {
    count = 0;
  }

  /** Adds a byte. The FIFO is not full. */
  void put(int value) {
    bytes[(first + count++) % SIZE] = (byte) value;
  }

  /** Takes the oldest byte. The FIFO is not empty. */
  int take() {
    int value = bytes[first] & 0xff;
    first = (first + 1) % SIZE;
    count--;
    return value;
  }

  /** Writes the count and then the bytes, oldest first; what is beyond is 0. */
  void save(byte[] data) {
    data[0] = (byte) count;
    for (int i = 0; i < SIZE; i++) {
      data[1 + i] = i < count ? bytes[(first + i) % SIZE] : 0;
    }
  }

  /** Reads what {@link #save} wrote. The count is at most {@link #SIZE}. */
  void restore(byte[] data) {
    first = 0;
    count = data[0];
    System.arraycopy(data, 1, bytes, 0, SIZE);
  }
}
