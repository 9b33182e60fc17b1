package org.kvmdev.api.machine;

import org.kvmdev.api.KvmException;

/**
 * How an architecture encodes a line in KVM_IRQ_LINE. Where one is plugged in, the request is
 * wholly its own, with and without a controller.
 */
public non-sealed interface LineEncoding extends Port {
  /**
   * Drives a line.
   *
   * @param encoded the request's {@code irq}
   * @param level the request's {@code level}
   * @return the status, as {@link InterruptController#set}
   * @throws KvmException where there is no such line
   */
  int line(int encoded, int level) throws KvmException;
}
