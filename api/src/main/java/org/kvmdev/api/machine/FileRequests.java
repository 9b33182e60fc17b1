package org.kvmdev.api.machine;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;

/** Requests of a family's own, on a VM or a vCPU, that return a new file descriptor. */
public non-sealed interface FileRequests extends Port {
  /**
   * The requests, by kind of file.
   *
   * @param target the kind of file
   * @return their encoded numbers
   */
  List<Integer> fileRequests(Requests.Target target);

  /**
   * Answers a request.
   *
   * @param request one of {@link #fileRequests}
   * @param vcpu the vCPU that it is made on; null where it is made on the VM
   * @param memory the caller's memory
   * @param argument the request's argument, often an address
   * @return the file; it is closed where no descriptor is left for it
   * @throws KvmException where it is refused
   */
  MadeFile open(int request, @Nullable Vcpu vcpu, UserMemory memory, long argument)
      throws KvmException;
}
