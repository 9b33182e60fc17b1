package org.kvmdev.runtime.ioctl;

/** Which way a request's structure is copied, as its number says it; seen from the client. */
public enum Direction {
  /** There is no structure: the argument is a number, or nothing. */
  NONE,
  /** The client writes it for the kernel. */
  WRITE,
  /** The client reads what the kernel wrote. */
  READ,
  /** Both. */
  READ_WRITE
}
