package org.kvmdev.benchmarks;

/** What each kind of path must reach. Everything that is promised of speed is here. */
enum Target {
  /** An attribute accessed through the ioctl face, always of the same device. */
  ATTRIBUTE(20, 0, 0.1),
  /** Attributes of all device types at random. */
  ATTRIBUTES_AT_RANDOM(30, 0, 0.15),
  /** A refusal, against the same access where it succeeds. */
  REFUSAL(Limit.NONE, 64, Limit.NONE) {
    @Override
    double limit(Reference success) {
      return success.nanoseconds() + 10;
    }
  },
  /** A register read through the bus. */
  MMIO_READ(15, 0, 0.5),
  /** Inject, acknowledge, end. */
  CYCLE(60, 0, 0.5),
  /** The same with every other interrupt pending, against itself alone. */
  CYCLE_ALL_PENDING(Limit.NONE, 0, 1.5),
  /** The same among 512 vCPUs, against itself with one. */
  CYCLE_MANY_VCPUS(60, 0, 1.5),
  /** The same on two threads at once, against two VMs, which share nothing. */
  CYCLE_TWO_THREADS(Limit.NONE, Limit.NONE, 1.5),
  /** A message whose translation is cached: signal, acknowledge, end. */
  MESSAGE(100, 0, Limit.NONE),
  /** The same with all LPIs mapped, against itself with one. */
  MESSAGE_ALL_MAPPED(100, 0, 1.5),
  /** A command or commands for many events, against as many times what a few take. */
  MANY_EVENTS(Limit.NONE, Limit.NONE, 2),
  /** A VM with its device and 8 vCPUs, made and closed. */
  VM(1_000_000, Limit.NONE, Limit.NONE),
  /** A process of the linked image, from its start to its end. */
  START_UP(300_000_000, Limit.NONE, Limit.NONE),
  /** Nothing: what others are compared with. */
  NONE(Limit.NONE, Limit.NONE, Limit.NONE);

  private final double nanoseconds;

  /** The most bytes that may be allocated. */
  final double bytes;

  /** The most that it may cost, as a ratio of the reference's cost. */
  final double ratio;

  Target(double nanoseconds, double bytes, double ratio) {
    this.nanoseconds = nanoseconds;
    this.bytes = bytes;
    this.ratio = ratio;
  }

  /** The most nanoseconds that it may take. */
  double limit(Reference reference) {
    return nanoseconds;
  }

  /** An enum's constants are made before its own static fields. */
  private static final class Limit {
    static final double NONE = Double.POSITIVE_INFINITY;

    private Limit() {}
  }
}
