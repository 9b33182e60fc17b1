package org.kvmdev.benchmarks;

import java.util.concurrent.TimeUnit;
import org.kvmdev.benchmarks.machine.AttributeClient;
import org.kvmdev.benchmarks.machine.AttributeClient.Access;
import org.kvmdev.benchmarks.machine.AttributeClient.Refusal;
import org.kvmdev.benchmarks.machine.Family;
import org.kvmdev.benchmarks.machine.MpicMachine;
import org.kvmdev.benchmarks.machine.Path;
import org.kvmdev.benchmarks.machine.VgicMachine;
import org.kvmdev.benchmarks.machine.XicsMachine;
import org.kvmdev.runtime.Kvm;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * The hot paths under JMH, for what they allocate ({@code gc.alloc.rate.norm}, bytes an operation).
 * Its times hold within one run at best; the table's are the ones that are promised.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class AllocationBenchmarks {
  private static final int TIMES = 1000;

  /** The paths, of which JMH gives each a JVM of its own. */
  public enum Measured {
    /** KVM_HAS_DEVICE_ATTR of all types at random. */
    HAS,
    /** KVM_GET_DEVICE_ATTR of all types at random. */
    GET,
    /** KVM_SET_DEVICE_ATTR of all types at random. */
    SET,
    /** A group that MPIC does not have. */
    REFUSED_GROUP,
    /** Data that are not mapped. */
    REFUSED_DATA,
    /** A register of a GICv3's distributor. */
    MMIO,
    /** An MPIC's source: raise, acknowledge, end. */
    MPIC,
    /** A XICS' source: raise, accept, end. */
    XICS,
    /** A GICv2's SPI: raise, acknowledge, end. */
    GIC_V2,
    /** A GICv3's SPI: raise, acknowledge, end. */
    GIC_V3
  }

  /** Which path. */
  @Param public Measured path;

  private Path taken = times -> times;

  /** Made by JMH. */
  public AllocationBenchmarks() {}

  /**
   * Makes the VM.
   *
   * @throws Exception not thrown
   */
  @Setup
  public void make() throws Exception {
    Kvm kvm = Kvm.load();
    taken =
        switch (path) {
          case HAS -> AttributeClient.accessAtRandom(kvm, Access.HAS);
          case GET -> AttributeClient.accessAtRandom(kvm, Access.GET);
          case SET -> AttributeClient.accessAtRandom(kvm, Access.SET);
          case REFUSED_GROUP ->
              AttributeClient.refused(kvm, Family.MPIC_42, Access.GET, Refusal.UNKNOWN_GROUP);
          case REFUSED_DATA ->
              AttributeClient.refused(kvm, Family.MPIC_42, Access.GET, Refusal.BAD_DATA);
          case MMIO -> new VgicMachine(kvm, Family.GIC_V3, 1).readDistributor();
          case MPIC -> new MpicMachine(kvm, Family.MPIC_42).source();
          case XICS -> new XicsMachine(kvm, 1).source(0);
          case GIC_V2 -> new VgicMachine(kvm, Family.GIC_V2, 1).spi(0);
          case GIC_V3 -> new VgicMachine(kvm, Family.GIC_V3, 1).spi(0);
        };
  }

  /**
   * The path, a thousand times: what the measurement itself allocates vanishes.
   *
   * @return something that depends on every result
   * @throws Exception not thrown
   */
  @Benchmark
  public long take() throws Exception {
    return taken.take(TIMES);
  }

  /** Runs all of them, in a minute or two. */
  static void run() throws RunnerException {
    System.out.println("Each operation is its path " + TIMES + " times.");
    new Runner(
            new OptionsBuilder()
                .include(AllocationBenchmarks.class.getName())
                .addProfiler(GCProfiler.class)
                .forks(1)
                .warmupIterations(3)
                .warmupTime(TimeValue.milliseconds(500))
                .measurementIterations(3)
                .measurementTime(TimeValue.milliseconds(500))
                .build())
        .run();
  }
}
