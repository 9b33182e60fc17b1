package org.kvmdev.api;

/**
 * The error numbers that a request can be refused with, by Linux's generic numbering
 * (asm-generic/errno-base.h and errno.h), which every architecture with a KVM shares.
 */
public enum Errno {
  /** Operation not permitted; for an accessor: the device type does not have it. */
  EPERM(1, "operation not permitted"),
  /** The named thing does not exist. */
  ENOENT(2, "no such entry"),
  /** The call was interrupted; what KVM_RUN answers when a signal is pending. */
  EINTR(4, "interrupted"),
  /** The VM belongs to another process, or is dead. */
  EIO(5, "input/output error"),
  /** No such device, address, group or attribute. */
  ENXIO(6, "no such device or address"),
  /** Too large: more vCPUs than the device serves, an address beyond the guest's. */
  E2BIG(7, "argument too large"),
  /** The vCPU cannot run yet. */
  ENOEXEC(8, "not executable"),
  /** No open file has this number. */
  EBADF(9, "bad file descriptor"),
  /** Try again. */
  EAGAIN(11, "try again"),
  /** Out of memory. */
  ENOMEM(12, "out of memory"),
  /** Permission denied. */
  EACCES(13, "permission denied"),
  /** The address cannot be read or written. */
  EFAULT(14, "bad address"),
  /** In use: a vCPU runs, or something was set already. */
  EBUSY(16, "busy"),
  /** It exists already. */
  EEXIST(17, "exists"),
  /** No such device type, or the host cannot have one. */
  ENODEV(19, "no such device"),
  /** A value is not one of those allowed. */
  EINVAL(22, "invalid argument"),
  /** The process has no free file descriptor. */
  EMFILE(24, "too many open files"),
  /** The file does not have this request. */
  ENOTTY(25, "no such request"),
  /** No room is left in a table. */
  ENOSPC(28, "no space left"),
  /** The file has no position. */
  ESPIPE(29, "illegal seek"),
  /** A number is out of range. */
  ERANGE(34, "out of range"),
  /** The system does not have this call. */
  ENOSYS(38, "not implemented"),
  /** The operation is not supported on this file. */
  EOPNOTSUPP(95, "operation not supported");

  private static final Errno[] VALUES = values();

  private final int number;
  private final String meaning;

  Errno(int number, String meaning) {
    this.number = number;
    this.meaning = meaning;
  }

  /**
   * The positive number that a C program finds in {@code errno}.
   *
   * @return Linux's number
   */
  public int number() {
    return number;
  }

  /**
   * What the number means in general, for people.
   *
   * @return a few words
   */
  public String meaning() {
    return meaning;
  }

  /**
   * The constant of a number.
   *
   * @param number the positive errno
   * @return its constant
   * @throws IllegalArgumentException where no constant has the number
   */
  public static Errno of(int number) {
    for (Errno errno : VALUES) {
      if (errno.number == number) {
        return errno;
      }
    }
    throw new IllegalArgumentException("no errno is numbered " + number);
  }
}
