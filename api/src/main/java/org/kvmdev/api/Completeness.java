package org.kvmdev.api;

/** How much of a device's state its enumeration holds. */
public enum Completeness {
  /** All: a VM restored from it goes on exactly as the saved one. */
  COMPLETE,
  /** What a client configured; what is in flight (in service, say) is not among it. */
  CONFIGURATION,
  /** Nothing is enumerated. */
  NONE
}
