package org.kvmdev.api;

/** Which of KVM_GET_DEVICE_ATTR and KVM_SET_DEVICE_ATTR an attribute has. */
public enum Access {
  /** GET alone. */
  READ,
  /** SET alone. */
  WRITE,
  /** Both. */
  READ_WRITE;

  /**
   * Whether the attribute can be read.
   *
   * @return true for {@link #READ} and {@link #READ_WRITE}
   */
  public boolean reads() {
    return this != WRITE;
  }

  /**
   * Whether the attribute can be written.
   *
   * @return true for {@link #WRITE} and {@link #READ_WRITE}
   */
  public boolean writes() {
    return this != READ;
  }
}
