package org.kvmdev.runtime.ioctl;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;

/**
 * The memory of whoever makes a request, as the files see it: it lives in this JVM ({@link
 * ProcessMemory}), or in another process, where every look at it is a message ({@link
 * RemoteMemory}). Structures are therefore copied in as a whole ({@link #requireReadable}) before
 * their fields are read.
 */
abstract sealed class CallerMemory implements UserMemory permits ProcessMemory, RemoteMemory {
  private static final VarHandle SHORT =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN)
          .withInvokeExactBehavior();
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN)
          .withInvokeExactBehavior();
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN)
          .withInvokeExactBehavior();

  private final ByteOrder order;
  private final boolean swap;

  /** Memory whose numbers are in an order. */
  CallerMemory(ByteOrder order) {
    this.order = order;
    this.swap = order == ByteOrder.BIG_ENDIAN;
  }

  @Override
  public final ByteOrder order() {
    return order;
  }

  /**
   * Refuses where not all bytes can be read: what copying in a structure does before a field of it
   * is looked at.
   *
   * @param address the first byte's
   * @param length how many
   * @throws KvmException EFAULT
   */
  abstract void requireReadable(long address, int length) throws KvmException;

  /**
   * The array that holds some bytes, for several numbers with one check.
   *
   * @param address the first byte's
   * @param length how many
   * @return the array, in which the first byte is at {@link #offset}; null where the bytes are not
   *     mapped, or not all in one array, so that {@link #readNumber} has to be asked
   */
  abstract byte @Nullable [] window(long address, int length);

  /**
   * Where an address is in the array that {@link #window} answers.
   *
   * @param address the address
   * @return an index
   */
  abstract int offset(long address);

  /**
   * A number in an array that {@link #window} answered.
   *
   * @param bytes the array
   * @param at the number's index
   * @return the number of 4 bytes
   */
  final int intAt(byte[] bytes, int at) {
    int value = (int) INT.get(bytes, at);
    return swap ? Integer.reverseBytes(value) : value;
  }

  /**
   * A number in an array that {@link #window} answered.
   *
   * @param bytes the array
   * @param at the number's index
   * @return the number of 8 bytes
   */
  final long longAt(byte[] bytes, int at) {
    long value = (long) LONG.get(bytes, at);
    return swap ? Long.reverseBytes(value) : value;
  }

  /**
   * A number in an array that has eight bytes there. No branch depends on the size, since that is
   * what a processor could not predict of requests to devices of different types.
   */
  final long first(byte[] bytes, int at, int size) {
    if (Integer.bitCount(size) != 1 || Integer.compareUnsigned(size, Long.BYTES) > 0) {
      throw badSize(size);
    }
    long eight = (long) LONG.get(bytes, at);
    int others = 64 - 8 * size;
    return (swap ? Long.reverseBytes(eight) : eight << others) >>> others;
  }

  /** A number in an array. */
  final long get(byte[] bytes, int at, int size) {
    return switch (size) {
      case 1 -> bytes[at] & 0xff;
      case 2 -> {
        short value = (short) SHORT.get(bytes, at);
        yield (swap ? Short.reverseBytes(value) : value) & 0xffff;
      }
      case 4 -> intAt(bytes, at) & 0xffff_ffffL;
      case 8 -> longAt(bytes, at);
      default -> throw badSize(size);
    };
  }

  /** Puts a number into an array. */
  final void put(byte[] bytes, int at, int size, long value) {
    switch (size) {
      case 1 -> bytes[at] = (byte) value;
      case 2 -> SHORT.set(bytes, at, swap ? Short.reverseBytes((short) value) : (short) value);
      case 4 -> INT.set(bytes, at, swap ? Integer.reverseBytes((int) value) : (int) value);
      case 8 -> LONG.set(bytes, at, swap ? Long.reverseBytes(value) : value);
      default -> throw badSize(size);
    }
  }

  /** How far the byte of an index is from a number's low end, in bits. */
  final int shift(int index, int size) {
    return 8 * (swap ? size - 1 - index : index);
  }

  static KvmException unreadable(long address) {
    return new KvmException(Errno.EFAULT, "the address %#x is not mapped", address);
  }

  static KvmException unwritable(long address) {
    return new KvmException(Errno.EFAULT, "the address %#x is not mapped for writing", address);
  }

  private static IllegalArgumentException badSize(int size) {
    return new IllegalArgumentException("a number of " + size + " bytes; there are 1, 2, 4 and 8");
  }
}
