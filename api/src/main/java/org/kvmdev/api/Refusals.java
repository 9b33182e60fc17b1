package org.kvmdev.api;

/** What every device that lacks an operation answers. */
final class Refusals {
  static final KvmException NO_ACCESSOR =
      KvmException.constant(Errno.EPERM, "the device type does not have this accessor");
  static final KvmException NO_REQUEST =
      KvmException.constant(Errno.ENOTTY, "the device has no such request");
  static final KvmException NO_MAPPING =
      KvmException.constant(Errno.ENODEV, "the device cannot be mapped");

  private Refusals() {}
}
