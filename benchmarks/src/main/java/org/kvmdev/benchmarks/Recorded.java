package org.kvmdev.benchmarks;

/**
 * Minima that were recorded on real machines, for what cannot be measured in every run (Linux
 * 6.18's KVM and QEMU 7.2's device models, on 2 cores of an Intel Xeon; the models' guests timed
 * themselves). Where a range was seen this is its lower end.
 */
enum Recorded implements Reference {
  /** For rows that are compared with nothing. */
  NOTHING("", Double.NaN),
  KVM_HAS_DEVICE_ATTR("recorded KVM", 216),
  QEMU_READ_GIC_V2("QEMU", 36),
  QEMU_READ_GIC_V3("QEMU", 31),
  QEMU_READ_MPIC("QEMU", 30),
  QEMU_CYCLE_GIC_V2("QEMU", 722),
  QEMU_CYCLE_GIC_V3("QEMU", 358),
  QEMU_CYCLE_MPIC("QEMU", 142),
  QEMU_CYCLE_XICS("QEMU", 2461);

  private final String text;
  private final double nanoseconds;

  Recorded(String text, double nanoseconds) {
    this.text = text;
    this.nanoseconds = nanoseconds;
  }

  @Override
  public String text() {
    return text;
  }

  @Override
  public double nanoseconds() {
    return nanoseconds;
  }
}
