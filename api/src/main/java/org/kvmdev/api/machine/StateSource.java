package org.kvmdev.api.machine;

import org.kvmdev.api.DeviceOps;

/**
 * What makes up a family's state in a VM, in the order in which it must be restored; the order can
 * cross devices and vCPUs, so a family tells it, not a device.
 *
 * <p>Guest memory is the client's: it is saved after, and restored before, what is told here.
 */
public non-sealed interface StateSource extends Port {
  /**
   * Tells the state, in order. Asked of the VM that is saved, and of the one that is restored into;
   * a device that has ended is not told of any more.
   *
   * @param state who is told
   */
  void enumerate(State state);

  /** Who is told a family's state. */
  interface State {
    /**
     * Something that the VM restored into must have alike, made by its client before: a connection,
     * an address that cannot be written.
     *
     * @param fact in words, equal where the VMs are alike: {@code vCPU 1 is server 5}
     */
    void shape(String fact);

    /**
     * A request without data, made before the values are read: flush tables to guest memory.
     *
     * @param device whose
     * @param group the group's number
     * @param attr the attribute's number
     */
    void beforeSave(DeviceOps device, int group, long attr);

    /**
     * A value: read when saving, written when restoring.
     *
     * @param device whose
     * @param group the group's number
     * @param attr the attribute's number
     */
    void value(DeviceOps device, int group, long attr);

    /**
     * A value that is always written at this place when restoring: a register whose ones clear,
     * before the values of one whose ones set.
     *
     * @param device whose
     * @param group the group's number
     * @param attr the attribute's number
     * @param value what is written
     */
    void write(DeviceOps device, int group, long attr, long value);

    /**
     * A request without data, made at this place when restoring: read tables back from guest
     * memory.
     *
     * @param device whose
     * @param group the group's number
     * @param attr the attribute's number
     */
    void request(DeviceOps device, int group, long attr);

    /**
     * A register of a vCPU that KVM_GET_ONE_REG reads and KVM_SET_ONE_REG writes.
     *
     * @param vcpu whose
     * @param id the register's 64-bit id
     */
    void vcpuRegister(Vcpu vcpu, long id);
  }
}
