package org.kvmdev.api.machine;

import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Operation;

/** A file that a request has made ({@link FileRequests}). */
public interface MadeFile {
  /**
   * What {@code readlink} of /proc/self/fd answers behind {@code anon_inode:}.
   *
   * @return {@code kvm-htab}
   */
  String name();

  /**
   * Whether it is opened to be read.
   *
   * @return true where {@code read} is not EBADF
   */
  boolean isReadable();

  /**
   * Whether it is opened to be written.
   *
   * @return true where {@code write} is not EBADF
   */
  boolean isWritable();

  /**
   * Reads.
   *
   * @param to what receives the bytes
   * @return how many there were; 0 at the end
   * @throws KvmException where it is refused
   */
  int read(byte[] to) throws KvmException;

  /**
   * Writes.
   *
   * @param from the bytes
   * @return how many were taken
   * @throws KvmException where it is refused
   */
  int write(byte[] from) throws KvmException;

  /**
   * Maps a part of the file.
   *
   * @param offset the byte offset of the first page
   * @param length the length in bytes
   * @return what loads and stores through the mapping reach
   * @throws KvmException ENODEV where it cannot be mapped
   */
  default DeviceOps.Mapping mmap(long offset, long length) throws KvmException {
    throw Operation.MMAP.refusal();
  }

  /**
   * How many bytes of it can be mapped that its client alone changes: a client in another process
   * maps memory of its own then.
   *
   * @return the number of bytes; 0 where none can be
   */
  default long mappable() {
    return 0;
  }

  /**
   * What can be read of it, where that is known when it is made and stays: a client in another
   * process has a file of its own then, with the same in it.
   *
   * @return the bytes; none where reading is answered by {@link #read} alone
   */
  default byte[] content() {
    return new byte[0];
  }

  /** The last descriptor is closed. */
  default void close() {}
}
