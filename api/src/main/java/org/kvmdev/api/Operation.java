package org.kvmdev.api;

/** The operations of {@link DeviceOps} that a device type may lack. */
public enum Operation {
  /** KVM_SET_DEVICE_ATTR; lacking: EPERM. */
  SET_ATTR(Refusals.NO_ACCESSOR),
  /** KVM_GET_DEVICE_ATTR; lacking: EPERM. */
  GET_ATTR(Refusals.NO_ACCESSOR),
  /** KVM_HAS_DEVICE_ATTR; lacking: EPERM. */
  HAS_ATTR(Refusals.NO_ACCESSOR),
  /** Requests of the device's own; lacking: ENOTTY. */
  IOCTL(Refusals.NO_REQUEST),
  /** Mapping; lacking: ENODEV. */
  MMAP(Refusals.NO_MAPPING);

  private final KvmException refusal;

  Operation(KvmException refusal) {
    this.refusal = refusal;
  }

  /**
   * What a device type without this operation answers.
   *
   * @return the refusal, a constant
   */
  public KvmException refusal() {
    return refusal;
  }
}
