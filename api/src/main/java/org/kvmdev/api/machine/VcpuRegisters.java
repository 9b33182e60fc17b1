package org.kvmdev.api.machine;

import org.kvmdev.api.KvmException;

/** Registers of a vCPU that KVM_GET_ONE_REG and KVM_SET_ONE_REG reach. */
public non-sealed interface VcpuRegisters extends Port {
  /**
   * Whether a register's id is the family's.
   *
   * @param id the whole 64-bit id
   * @return true where it is, connected or not
   */
  boolean owns(long id);

  /**
   * Reads a register.
   *
   * @param vcpu whose
   * @param id an id that it {@link #owns}
   * @return its value
   * @throws KvmException where it cannot be read
   */
  long get(Vcpu vcpu, long id) throws KvmException;

  /**
   * Writes a register.
   *
   * @param vcpu whose
   * @param id an id that it {@link #owns}
   * @param value the value
   * @throws KvmException where it cannot be written
   */
  void set(Vcpu vcpu, long id, long value) throws KvmException;
}
