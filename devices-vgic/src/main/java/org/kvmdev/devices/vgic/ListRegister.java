package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;

/**
 * A list register: a virtual interrupt as the hardware's virtual CPU interface has it (GICH_LRn,
 * ICH_LRn_EL2), in its fields.
 */
final class ListRegister {
  /** The interrupt that it was filled with. */
  @Nullable Interrupt irq;

  /** The virtual INTID. */
  int intid;

  /** The source vCPU of a GICv2's SGI. */
  int source;

  int priority;
  boolean group1;
  boolean pending;
  boolean active;

  /** Deactivation goes to the host's interrupt. */
  boolean hardware;

  /** A maintenance interrupt is wanted when it becomes invalid. */
  boolean endInterrupt;

  /** It was pending when it was filled. */
  boolean filledPending;

  /** Something of its interrupt was changed since it was filled. */
  boolean changed;

  /**
   * Whether neither the guest nor anybody else changed anything since it was filled.
   *
   * @param wasActive whether the interrupt was active when it was filled
   */
  boolean isAsFilled(boolean wasActive) {
    return !changed && pending == filledPending && active == wasActive;
  }

  boolean isInvalid() {
    return !pending && !active;
  }

  /** Whether it can be acknowledged: pending and not active. */
  boolean isPendingOnly() {
    return pending && !active;
  }

  /** Whether its end wants a maintenance interrupt. */
  boolean signalsEnd() {
    return endInterrupt && !hardware && isInvalid();
  }
}
