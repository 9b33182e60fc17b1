package org.kvmdev.runtime.ioctl;

import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Event;

/**
 * Where KVM_IRQFD and KVM_IOEVENTFD find the eventfds that a client's descriptors name. A {@link
 * KvmProcess} has its own; what serves another process gives it one that reaches that process's
 * descriptors.
 */
@FunctionalInterface
public interface Events {
  /**
   * The eventfd that a descriptor refers to. It stays usable when the descriptor is closed.
   *
   * @param descriptor the number
   * @return the event
   * @throws KvmException EBADF where there is no such file, EINVAL where it is no eventfd
   */
  Event find(int descriptor) throws KvmException;
}
