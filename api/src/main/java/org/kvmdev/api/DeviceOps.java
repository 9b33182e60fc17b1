package org.kvmdev.api;

/**
 * One live device: the mirror of Linux's {@code struct kvm_device_ops} (virt/kvm/kvm_main.c and
 * Documentation/virt/kvm/devices/README).
 *
 * <p>A device is made by {@link DeviceProvider#create} with its VM's lock held, is then told to
 * {@link #init} with no lock held, and ends with exactly one call of {@link #destroy} or {@link
 * #release}, as its {@link DeviceType#lifetime()} says. In between, the accessors are called from
 * any thread, several at once: a device guards its own state.
 *
 * <p>An operation that the {@link DeviceType} does not declare is refused before it is called and
 * before anything is read: accessors EPERM, {@link #ioctl} ENOTTY, {@link #mmap} ENODEV.
 *
 * <p>Most devices extend {@link AttributeDevice}, which derives the three accessors from what the
 * device declares; this interface itself is for those whose data have no fixed size.
 *
 * <p>Only {@link KvmException} may leave a method. Anything else is answered EIO to the caller,
 * with a line in the log that names the jar.
 */
public interface DeviceOps {
  /** Finishes what creation began, outside the VM's lock. Called once, before any accessor. */
  default void init() {}

  /**
   * Ends a device whose lifetime is its VM's ({@link Lifetime#VM}): called once, when the VM ends,
   * or when creation fails after the device was made. The device leaves what its family keeps of
   * it.
   */
  default void destroy() {}

  /**
   * Ends a device whose lifetime is that of its references ({@link Lifetime#REFERENCES}): called
   * once, when the last of them goes, with the VM's lock held, or when creation fails after the
   * device was made. Disconnects what is connected, and leaves what its family keeps of it.
   */
  default void release() {}

  /**
   * KVM_SET_DEVICE_ATTR.
   *
   * @param group the group's number
   * @param attr the attribute's number, or what the group encodes in it
   * @param address where the caller has the data; may be anything, also for data of size 0
   * @param memory the caller's memory
   * @throws KvmException ENXIO for an unknown group or attribute; EFAULT; what the attribute
   *     declares
   */
  default void setAttr(int group, long attr, long address, UserMemory memory) throws KvmException {
    throw Refusals.NO_ACCESSOR;
  }

  /**
   * KVM_GET_DEVICE_ATTR.
   *
   * @param group the group's number
   * @param attr the attribute's number, or what the group encodes in it
   * @param address where the caller wants the data
   * @param memory the caller's memory
   * @throws KvmException ENXIO for an unknown group or attribute; EFAULT; what the attribute
   *     declares
   */
  default void getAttr(int group, long attr, long address, UserMemory memory) throws KvmException {
    throw Refusals.NO_ACCESSOR;
  }

  /**
   * KVM_HAS_DEVICE_ATTR: whether the device has an attribute, not whether it can be accessed now.
   *
   * @param group the group's number
   * @param attr the attribute's number, or what the group encodes in it
   * @throws KvmException ENXIO where it has none
   */
  default void hasAttr(int group, long attr) throws KvmException {
    throw Refusals.NO_ACCESSOR;
  }

  /**
   * Any request other than the three accessors.
   *
   * @param request the encoded request number
   * @param argument the request's argument, often an address
   * @param memory the caller's memory
   * @return what the request returns, not negative
   * @throws KvmException ENOTTY for an unknown request
   */
  default long ioctl(int request, long argument, UserMemory memory) throws KvmException {
    throw Refusals.NO_REQUEST;
  }

  /**
   * Maps a part of the device into the caller's memory.
   *
   * @param offset the byte offset of the mapping's first page
   * @param length its length in bytes
   * @return what loads and stores through the mapping reach
   * @throws KvmException EINVAL where the device has no such page
   */
  default Mapping mmap(long offset, long length) throws KvmException {
    throw Refusals.NO_MAPPING;
  }

  /** What loads and stores through a mapping of a device reach. */
  interface Mapping {
    /**
     * A load.
     *
     * @param offset from the mapping's begin
     * @param size 1, 2, 4 or 8
     * @return what is read
     */
    long load(long offset, int size);

    /**
     * A store.
     *
     * @param offset from the mapping's begin
     * @param size 1, 2, 4 or 8
     * @param value what is written
     */
    void store(long offset, int size, long value);
  }
}
