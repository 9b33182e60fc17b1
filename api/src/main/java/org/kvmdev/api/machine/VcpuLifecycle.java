package org.kvmdev.api.machine;

import org.kvmdev.api.KvmException;

/** What a family does when a vCPU is made, first runs, enters and leaves the guest, and ends. */
public non-sealed interface VcpuLifecycle extends Port {
  /**
   * A vCPU is about to be made; the VM's lock is held.
   *
   * @param id its id
   * @throws KvmException where it may not be; asked before EEXIST
   */
  default void creating(int id) throws KvmException {}

  /**
   * A vCPU has been made; the VM's lock is held.
   *
   * @param vcpu the vCPU
   * @throws KvmException where it may not stay: those that were told of it before are told that it
   *     is {@link #destroyed}
   */
  default void created(Vcpu vcpu) throws KvmException {}

  /**
   * A vCPU is about to run, before all else and each time.
   *
   * @param vcpu the vCPU
   * @throws KvmException where it may not run yet; the VM goes on
   */
  default void mayRun(Vcpu vcpu) throws KvmException {}

  /**
   * A VM's first run; once, on the vCPU's thread.
   *
   * @param vcpu the vCPU
   * @throws KvmException where the VM cannot run; it is dead thereafter
   */
  default void firstRun(Vcpu vcpu) throws KvmException {}

  /**
   * A vCPU's first run, after the VM's and with the vCPU's lock held; asked again until it may.
   *
   * @param vcpu the vCPU
   * @throws KvmException where it cannot run; the VM goes on
   */
  default void starting(Vcpu vcpu) throws KvmException {}

  /**
   * A vCPU enters the guest. Allocates nothing.
   *
   * @param vcpu the vCPU
   */
  default void enter(Vcpu vcpu) {}

  /**
   * A vCPU has left the guest. Allocates nothing.
   *
   * @param vcpu the vCPU
   */
  default void exit(Vcpu vcpu) {}

  /**
   * A vCPU ends: with its VM, or at once where another refused it. The VM's lock is held; the vCPU
   * counts as one of the VM's in the first case alone.
   *
   * @param vcpu the vCPU
   */
  default void destroyed(Vcpu vcpu) {}
}
