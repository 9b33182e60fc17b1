package org.kvmdev.devices.xics;

/**
 * The fields of the 64-bit word by which KVM_DEV_XICS_GRP_SOURCES reads and writes a source
 * (Documentation/virt/kvm/devices/xics.rst and the KVM_XICS_… constants of
 * arch/powerpc/include/uapi/asm/kvm.h).
 */
enum SourceField {
  /** The server. */
  DESTINATION(31, 0, "The number of the server that the interrupt is sent to."),
  /** The priority. */
  PRIORITY(39, 32, "Its priority, 0 the most favoured; kept while the source is masked."),
  /** Level or edge. */
  LEVEL_SENSITIVE(40, 40, "1: the source is a level; 0: each event is a message (an edge)."),
  /** Masked. */
  MASKED(41, 41, "1: the interrupt is not delivered; what arrives meanwhile stays pending."),
  /** Pending. */
  PENDING(
      42,
      42,
      "A level: the line is high. An edge: the interrupt waits to be sent to its server. Written as"
          + " 1, the interrupt is sent at once."),
  /** Presented. */
  PRESENTED(43, 43, "An event was sent to a server and has not been ended."),
  /** Queued. */
  QUEUED(44, 44, "Another edge arrived before the end of the one that is presented.");

  final int high;
  final int low;
  final String meaning;

  SourceField(int high, int low, String meaning) {
    this.high = high;
    this.low = low;
    this.meaning = meaning;
  }
}
