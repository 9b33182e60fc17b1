package org.kvmdev.api;

/** How long a device lives, and how it ends. */
public enum Lifetime {
  /**
   * Until its VM ends, whoever closes what before; it ends with {@link DeviceOps#destroy}. The
   * kernel's rule since Linux 3.10.
   */
  VM,
  /**
   * Until the last reference goes: its file descriptors and what {@code kvm_device_get} took. It
   * ends with {@link DeviceOps#release}, and another can be made. In Linux since 5.2, and (with the
   * name of destroy) the rule of the API's first draft.
   */
  REFERENCES
}
