package org.kvmdev.devices.vgic;

/** What a vCPU has beside its registers and its part of the GIC. */
final class ArmVcpu {
  /** That stolen time is not shown to the guest. */
  static final long NO_STEAL_TIME = -1;

  /** The interrupt of its performance monitors; 0 where none was set. */
  int monitorInterrupt;

  /** Its performance monitors are initialised. */
  boolean monitorsCreated;

  /** Where the guest is shown the time stolen from it. */
  long stealTime = NO_STEAL_TIME;

  /** An SError is pending. */
  boolean serrorPending;

  /** The pending SError's syndrome. */
  long serrorSyndrome;
}
