package org.kvmdev.api.machine;

import org.kvmdev.api.KvmException;

/** Calls that a guest makes to its hypervisor. */
public non-sealed interface Hypercalls extends Port {
  /** What {@link #call} answers for a call that goes to user space. */
  int NOT_MINE = -1;

  /**
   * Answers a call. Allocates nothing.
   *
   * @param vcpu who calls
   * @param number the call's number
   * @param registers the caller's array: arguments from index 1; on return, the result at index 0
   *     and what the call returns beside it from index 1
   * @return how many values it returns beside the result, or {@link #NOT_MINE}
   * @throws KvmException what KVM_RUN fails with
   */
  int call(Vcpu vcpu, long number, long[] registers) throws KvmException;
}
