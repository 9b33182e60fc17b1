package org.kvmdev.api;

import java.nio.ByteOrder;

/**
 * The memory of the process that makes a call: copy-in and copy-out, as {@code copy_from_user} and
 * {@code copy_to_user}, with {@link Errno#EFAULT} where an address cannot be used. It is never a
 * slice of somebody's array, since the memory may be another process's.
 *
 * <p>Numbers are in the byte order of the recorded host; a device deals in numbers and never swaps.
 */
public interface UserMemory {
  /** Memory without an address that can be used, for calls that move no data. */
  UserMemory NONE = new UnmappedMemory();

  /**
   * The byte order of numbers in this memory.
   *
   * @return the host's order
   */
  ByteOrder order();

  /**
   * Copies bytes in.
   *
   * @param address where the process has them
   * @param to what receives them
   * @param at the first index in {@code to}
   * @param length how many
   * @throws KvmException EFAULT where any of the bytes cannot be read
   */
  void read(long address, byte[] to, int at, int length) throws KvmException;

  /**
   * Copies bytes out.
   *
   * @param address where the process wants them
   * @param from what is copied
   * @param at the first index in {@code from}
   * @param length how many
   * @throws KvmException EFAULT where any of the bytes cannot be written; bytes before it may have
   *     been
   */
  void write(long address, byte[] from, int at, int length) throws KvmException;

  /**
   * Copies a number in.
   *
   * @param address where the process has it
   * @param size its width in bytes: 1, 2, 4 or 8
   * @return the number, zero-extended
   * @throws KvmException EFAULT
   */
  long readNumber(long address, int size) throws KvmException;

  /**
   * Copies a number out.
   *
   * @param address where the process wants it
   * @param size its width in bytes: 1, 2, 4 or 8
   * @param value the number; bits above the width are dropped
   * @throws KvmException EFAULT
   */
  void writeNumber(long address, int size, long value) throws KvmException;
}
