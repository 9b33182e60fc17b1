package org.kvmdev.runtime.ioctl;

import org.kvmdev.api.Host;

/**
 * How an architecture puts a request's number together: the direction above the structure's size,
 * above a type of 8 bits, above a number of 8 bits (include/uapi/asm-generic/ioctl.h).
 */
enum Encoding {
  /** Two bits of direction above 14 of size. */
  GENERIC(14, 0, 1, 2, 0x5451, 0x5450, 0x5421),
  /** Three bits of direction above 13 of size, so that "none" has a bit too. */
  WIDE(13, 1, 4, 2, 0x2000_6601, 0x2000_6602, 0x8004_667e);

  private static final int DIRECTION_SHIFT = 16;

  /** The type of KVM's requests. */
  static final int KVMIO = 0xae;

  /** FIOCLEX: close the file when the process executes another program. */
  final int closeOnExec;

  /** FIONCLEX: keep it open. */
  final int keepOnExec;

  /** FIONBIO: whether its calls block. */
  final int nonBlocking;

  private final int sizeBits;
  private final int none;
  private final int write;
  private final int read;

  Encoding(
      int sizeBits,
      int none,
      int write,
      int read,
      int closeOnExec,
      int keepOnExec,
      int nonBlocking) {
    this.sizeBits = sizeBits;
    this.none = none;
    this.write = write;
    this.read = read;
    this.closeOnExec = closeOnExec;
    this.keepOnExec = keepOnExec;
    this.nonBlocking = nonBlocking;
  }

  /** The encoding of a host. */
  static Encoding of(Host host) {
    return switch (host.text("ioctl.encoding", "generic")) {
      case "generic" -> GENERIC;
      case "wide" -> WIDE;
      default ->
          throw new IllegalArgumentException(
              "host " + host + ": ioctl.encoding should be generic or wide");
    };
  }

  /** The size of a request's structure. */
  int size(int request) {
    return request >>> DIRECTION_SHIFT & (1 << sizeBits) - 1;
  }

  /** Whether a request's structure is written for the kernel. */
  boolean isIn(int request) {
    return (request >>> DIRECTION_SHIFT + sizeBits & write) != 0;
  }

  /** Which way a request's structure is copied. */
  Direction direction(int request) {
    boolean isOut = (request >>> DIRECTION_SHIFT + sizeBits & read) != 0;
    return isIn(request)
        ? isOut ? Direction.READ_WRITE : Direction.WRITE
        : isOut ? Direction.READ : Direction.NONE;
  }

  /** Puts a request of KVM's together. */
  int encode(Direction direction, int number, int size) {
    if (number >>> 8 != 0 || size >>> sizeBits != 0) {
      throw new IllegalArgumentException(
          "request " + number + " of " + size + " bytes: it has 8 and " + sizeBits + " bits");
    }
    int bits =
        switch (direction) {
          case NONE -> none;
          case WRITE -> write;
          case READ -> read;
          case READ_WRITE -> read | write;
        };
    return bits << DIRECTION_SHIFT + sizeBits | size << DIRECTION_SHIFT | KVMIO << 8 | number;
  }
}
