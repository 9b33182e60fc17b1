package org.kvmdev.api.machine;

import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/**
 * Registers of a vCPU that KVM_GET_ONE_REG and KVM_SET_ONE_REG reach and that have a logic of their
 * own. Those that have none are lines of the host's tables ({@link org.kvmdev.api.HostTables}).
 */
public non-sealed interface VcpuRegisters extends Port {
  /**
   * Whether a vCPU's registers can be reached at all, asked before a request's structure is read.
   *
   * @param vcpu whose
   * @throws KvmException where they cannot yet
   */
  default void requireAccess(Vcpu vcpu) throws KvmException {}

  /**
   * Whether a register's id is the family's.
   *
   * @param id the whole 64-bit id
   * @return true where it is, connected or not
   */
  boolean owns(long id);

  /**
   * What a register that nobody has is refused with.
   *
   * @param id the whole 64-bit id
   * @param usual what the host says for all
   * @return the errno
   */
  default Errno unknown(long id, Errno usual) {
    return usual;
  }

  /**
   * Whether KVM_SET_ONE_REG looks a register up before it reads the value, so that one that nobody
   * has is refused before a bad address is.
   *
   * @param id the whole 64-bit id
   * @return true where it does
   */
  default boolean looksUpFirst(long id) {
    return false;
  }

  /**
   * Reads a register.
   *
   * @param vcpu whose
   * @param id an id that it {@link #owns}
   * @return its value, or the low 64 bits of it
   * @throws KvmException where it cannot be read
   */
  long get(Vcpu vcpu, long id) throws KvmException;

  /**
   * Reads the upper half of a register of 128 bits.
   *
   * @param vcpu whose
   * @param id an id that it {@link #owns}
   * @return bits 127:64
   * @throws KvmException where it cannot be read
   */
  default long high(Vcpu vcpu, long id) throws KvmException {
    return 0;
  }

  /**
   * Writes a register.
   *
   * @param vcpu whose
   * @param id an id that it {@link #owns}
   * @param value the value
   * @throws KvmException where it cannot be written
   */
  void set(Vcpu vcpu, long id, long value) throws KvmException;

  /**
   * Writes a register of 128 bits.
   *
   * @param vcpu whose
   * @param id an id that it {@link #owns}
   * @param low bits 63:0
   * @param high bits 127:64
   * @throws KvmException where it cannot be written
   */
  default void set(Vcpu vcpu, long id, long low, long high) throws KvmException {
    set(vcpu, id, low);
  }
}
