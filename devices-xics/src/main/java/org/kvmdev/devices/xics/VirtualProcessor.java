package org.kvmdev.devices.xics;

import org.jspecify.annotations.Nullable;

/** What is known of one vCPU. */
final class VirtualProcessor {
  /** For its calls of RTAS. */
  final RtasArguments rtas = new RtasArguments();

  /** The memory that it shares with its hypervisor. */
  final ProcessorArea area = new ProcessorArea();

  /** The valid entries of its segment look-aside buffer, two words each. */
  long[] segments = {};

  private volatile boolean papr;
  private volatile @Nullable PresentationController server;

  /** Whether it was told that its guest is a partition (KVM_CAP_PPC_PAPR); it can run then. */
  boolean isPapr() {
    return papr;
  }

  void setPapr() {
    papr = true;
  }

  /** The server that it is, or null. */
  @Nullable PresentationController server() {
    return server;
  }

  void connect(@Nullable PresentationController presentation) {
    server = presentation;
  }
}
