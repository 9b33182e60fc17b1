package org.kvmdev.runtime.ioctl;

import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/** Calls on files that KVM's files do not have, and what they answer instead. */
public enum FileOperation {
  /** {@code read}. */
  READ(Errno.EINVAL, "KVM's files cannot be read; use ioctl"),
  /** {@code write}. */
  WRITE(Errno.EINVAL, "KVM's files cannot be written; use ioctl"),
  /** {@code pread}. */
  POSITIONED_READ(Errno.ESPIPE, "the file has no position"),
  /** {@code lseek}; all but a device's file take it and stay at 0. */
  SEEK(Errno.ESPIPE, "the file has no position"),
  /** {@code ftruncate}. */
  TRUNCATE(Errno.EINVAL, "the file has no size"),
  /** {@code fsync}. */
  SYNC(Errno.EINVAL, "nothing is stored in the file"),
  /** {@code open} of /proc/self/fd/N. */
  REOPEN(Errno.ENXIO, "the file has no name to be opened by; use dup");

  private final KvmException refusal;

  FileOperation(Errno errno, String message) {
    refusal = KvmException.constant(errno, message);
  }

  /** Answers the call on a kind of file. */
  long on(FileKind kind) throws KvmException {
    if (this == SEEK && kind != FileKind.DEVICE && kind != FileKind.OTHER) {
      return 0;
    }
    throw refusal;
  }
}
