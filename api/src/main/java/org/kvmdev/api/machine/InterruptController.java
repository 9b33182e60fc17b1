package org.kvmdev.api.machine;

import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/** What a VM's interrupt controller answers lines, routes and messages with. */
public interface InterruptController {
  /** A controller that takes no messages. */
  KvmException NO_MESSAGES =
      KvmException.constant(Errno.ENODEV, "the interrupt controller takes no messages (MSIs)");

  /**
   * Whether lines can be driven already: KVM_IRQFD before is EAGAIN.
   *
   * @return true where they can
   */
  default boolean isReady() {
    return true;
  }

  /**
   * Drives a pin that a route names.
   *
   * @param chip the route's chip
   * @param pin the route's pin
   * @param level as the client gave it: 32 bits, not only 0 and 1
   * @return KVM_IRQ_LINE_STATUS's status: 1 or more delivered, 0 coalesced, or an errno's negative
   */
  int set(int chip, int pin, int level);

  /**
   * Whether KVM_IRQ_LINE's numbers are the controller's own, where no {@link LineEncoding} decodes
   * them. Asked once, when it becomes the VM's controller.
   *
   * @return true where {@link #line} takes them; false where they are looked up in the routing
   *     table
   */
  default boolean numbersLines() {
    return false;
  }

  /**
   * KVM_IRQ_LINE of a controller that numbers its lines itself.
   *
   * @param number the line's number
   * @param level as the client gave it
   * @return the status, as {@link #set}
   */
  default int line(int number, int level) {
    throw new UnsupportedOperationException("a controller that numbers its lines overrides line");
  }

  /**
   * A message-signalled interrupt, from KVM_SIGNAL_MSI or by a route. Allocates nothing.
   *
   * @param address the doorbell's guest physical address
   * @param data the message
   * @param device the device id; has a meaning where {@code flags} say so
   * @param flags KVM_MSI_VALID_DEVID (1) or 0
   * @return 1 delivered, 0 swallowed
   * @throws KvmException where it is refused
   */
  default int message(long address, int data, int device, int flags) throws KvmException {
    throw NO_MESSAGES;
  }

  /**
   * A message by a route whose line was driven. Without more, only a raised line sends it.
   *
   * @param address the doorbell's guest physical address
   * @param data the message
   * @param device the device id; has a meaning where {@code flags} say so
   * @param flags KVM_MSI_VALID_DEVID (1) or 0
   * @param level as the client gave it
   * @return the status, as {@link #set}
   * @throws KvmException where it is refused
   */
  default int routedMessage(long address, int data, int device, int flags, int level)
      throws KvmException {
    return level == 0 ? -1 : message(address, data, device, flags);
  }
}
