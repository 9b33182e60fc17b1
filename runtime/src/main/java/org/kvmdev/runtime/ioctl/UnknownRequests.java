package org.kvmdev.runtime.ioctl;

/** Is told of requests that neither the host nor a device family has ({@link KvmProcess}). */
@FunctionalInterface
public interface UnknownRequests {
  /**
   * A client has made one, and is refused.
   *
   * @param kind the kind of file that it was made on
   * @param number its encoded number
   */
  void refused(FileKind kind, int number);
}
