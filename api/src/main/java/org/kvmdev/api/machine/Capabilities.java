package org.kvmdev.api.machine;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;

/**
 * What a family answers to KVM_CHECK_EXTENSION and KVM_ENABLE_CAP. It comes from the provider, not
 * from a VM, since /dev/kvm is asked before any VM exists.
 */
public interface Capabilities {
  /** A family without capabilities. */
  Capabilities NONE = new Capabilities() {};

  /** What {@link #check} answers for a capability that is not the family's. */
  int UNKNOWN = Integer.MIN_VALUE;

  /**
   * KVM_CHECK_EXTENSION.
   *
   * @param capability the capability's number
   * @param machine the VM that is asked; null where it is /dev/kvm
   * @return the answer, or {@link #UNKNOWN}
   * @throws KvmException where asking is refused
   */
  default int check(int capability, @Nullable Machine machine) throws KvmException {
    return UNKNOWN;
  }

  /**
   * KVM_ENABLE_CAP on a VM; flags are 0.
   *
   * @param capability the capability's number
   * @param machine the VM
   * @param arguments the request's four arguments
   * @return false where the capability is not the family's
   * @throws KvmException where enabling is refused
   */
  default boolean enable(int capability, Machine machine, long[] arguments) throws KvmException {
    return false;
  }

  /**
   * KVM_ENABLE_CAP on a vCPU; flags are 0.
   *
   * @param capability the capability's number
   * @param vcpu the vCPU
   * @param arguments the request's four arguments
   * @param files finds the device that an argument names
   * @return false where the capability is not the family's
   * @throws KvmException where enabling is refused
   */
  default boolean enable(int capability, Vcpu vcpu, long[] arguments, Files files)
      throws KvmException {
    return false;
  }

  /**
   * Asked after any capability was enabled on a vCPU: what is refused here has taken effect.
   *
   * @param vcpu the vCPU
   * @throws KvmException what the request answers instead of success
   */
  default void enabled(Vcpu vcpu) throws KvmException {}

  /** The caller's files: {@code kvm_device_from_filp} as a port. */
  @FunctionalInterface
  interface Files {
    /**
     * The device that a file descriptor refers to.
     *
     * @param descriptor the number; its low 32 bits count
     * @return the device, of whatever type and VM
     * @throws KvmException EBADF where there is no such file, EPERM where it is no device
     */
    DeviceOps device(long descriptor) throws KvmException;

    /**
     * The caller's memory, for a capability whose argument is an address.
     *
     * @return the memory
     * @throws KvmException EFAULT where the caller has none
     */
    default UserMemory memory() throws KvmException {
      throw new KvmException(Errno.EFAULT, "the caller has no memory at %#x", 0);
    }
  }
}
