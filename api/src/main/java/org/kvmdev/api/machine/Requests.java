package org.kvmdev.api.machine;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;

/**
 * Requests of a family's own, on a VM or a vCPU. They are found by a table of (kind of file,
 * number): the same number can mean different things on each.
 */
public non-sealed interface Requests extends Port {
  /** What kind of file a request is made on. */
  enum Target {
    /** A VM. */
    VM,
    /** A vCPU. */
    VCPU
  }

  /**
   * The requests, by kind of file.
   *
   * @param target the kind of file
   * @return their encoded numbers
   */
  List<Integer> requests(Target target);

  /**
   * Answers a request.
   *
   * @param request one of {@link #requests}
   * @param vcpu the vCPU that it is made on; null where it is made on the VM
   * @param memory the caller's memory
   * @param argument the request's argument, often an address
   * @return what the request returns, not negative
   * @throws KvmException where it is refused
   */
  long ioctl(int request, @Nullable Vcpu vcpu, UserMemory memory, long argument)
      throws KvmException;
}
