package org.kvmdev.api.machine;

import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;

/**
 * Attributes of a vCPU: KVM_HAS_, KVM_GET_ and KVM_SET_DEVICE_ATTR on a vCPU's file, where its host
 * has them ({@code vcpu.attrs}). What every family leaves out is refused with that errno.
 */
public non-sealed interface VcpuAttributes extends Port {
  /**
   * Whether a group is the family's.
   *
   * @param group the group's number
   * @return true where it is
   */
  boolean owns(int group);

  /**
   * KVM_HAS_DEVICE_ATTR.
   *
   * @param vcpu whose
   * @param group a group that it {@link #owns}
   * @param attr the attribute's number
   * @throws KvmException ENXIO where there is none
   */
  void has(Vcpu vcpu, int group, long attr) throws KvmException;

  /**
   * KVM_GET_DEVICE_ATTR.
   *
   * @param vcpu whose
   * @param group a group that it {@link #owns}
   * @param attr the attribute's number
   * @param memory the caller's memory
   * @param address where the value is put
   * @throws KvmException where it is refused
   */
  void get(Vcpu vcpu, int group, long attr, UserMemory memory, long address) throws KvmException;

  /**
   * KVM_SET_DEVICE_ATTR.
   *
   * @param vcpu whose
   * @param group a group that it {@link #owns}
   * @param attr the attribute's number
   * @param memory the caller's memory
   * @param address where the value is
   * @throws KvmException where it is refused
   */
  void set(Vcpu vcpu, int group, long attr, UserMemory memory, long address) throws KvmException;
}
