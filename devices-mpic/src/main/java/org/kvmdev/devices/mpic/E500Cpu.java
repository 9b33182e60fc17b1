package org.kvmdev.devices.mpic;

/** What a vCPU has beside its registers and its part of the MPIC. */
final class E500Cpu {
  final SoftwareTlb tlb = new SoftwareTlb();

  /** It was told that its guest is a partition, which no e500's is. */
  boolean papr;
}
