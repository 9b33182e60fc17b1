package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.jetbrains.kotlinx.lincheck.Actor;
import org.jetbrains.kotlinx.lincheck.execution.ExecutionScenario;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/**
 * Lines, SGIs, masks, acknowledges, ends and reads race over one vCPU: whatever each call answers,
 * and the state thereafter, must be as if the calls had been made one after the other. Each test is
 * tested with a GIC that has a race planted.
 *
 * <p>Routes are not among the calls: an interrupt that is on its way from one vCPU to another is at
 * neither for a moment, as in the kernel; {@link NothingIsLostTest} has them.
 */
class LinearizabilityTest {
  private static final int LEVEL = 42;

  private static StressOptions stress() {
    return new StressOptions()
        .iterations(10)
        .invocationsPerIteration(300)
        .threads(3)
        .actorsPerThread(3)
        .actorsBefore(2)
        .actorsAfter(2)
        .minimizeFailedScenario(false);
  }

  /**
   * An edge comes while the one before is ended: whichever is first, there is one more to
   * acknowledge.
   */
  private static ExecutionScenario edgeAtTheEnd() {
    Actor edge = actor("edge", int.class, 40);
    Actor acknowledge = actor("acknowledge", null, 0);
    Actor end = actor("end", null, 0);
    return new ExecutionScenario(
        List.of(edge, acknowledge),
        List.of(List.of(edge), List.of(end)),
        List.of(acknowledge),
        null);
  }

  private static Actor actor(String name, @Nullable Class<?> parameter, int argument) {
    try {
      return parameter == null
          ? new Actor(EdgeCalls.class.getMethod(name), List.of())
          : new Actor(EdgeCalls.class.getMethod(name, parameter), List.of(argument));
    } catch (NoSuchMethodException e) {
      throw new AssertionError(e);
    }
  }

  private static StressOptions alone() {
    return stress().iterations(0).addCustomScenario(edgeAtTheEnd());
  }

  @Test
  void whatRacesOnAGicV2IsAsIfItWereInSequence() {
    stress().addCustomScenario(edgeAtTheEnd()).check(V2.class);
  }

  @Test
  void whatRacesOnAGicV3IsAsIfItWereInSequence() {
    stress().addCustomScenario(edgeAtTheEnd()).check(V3.class);
  }

  @Test
  void whatRacesOverMessagesIsAsIfItWereInSequence() {
    stress().check(Messages.class);
  }

  @Test
  void aRacePlantedInAGicV2IsFound() {
    assertThrows(LincheckAssertionError.class, () -> alone().check(PlantedV2.class));
  }

  @Test
  void aRacePlantedInAGicV3IsFound() {
    assertThrows(LincheckAssertionError.class, () -> alone().check(PlantedV3.class));
  }

  @Test
  void aRacePlantedInMessagesIsFound() {
    assertThrows(
        LincheckAssertionError.class, () -> stress().iterations(200).check(PlantedMessages.class));
  }

  /** A GICv2 as it is. */
  public static class V2 extends Calls {
    /** Made for each run. */
    public V2() {
      super(new VgicProvider(), false);
    }
  }

  /** A GICv3 as it is. */
  public static class V3 extends Calls {
    /** Made for each run. */
    public V3() {
      super(new VgicProvider(), true);
    }
  }

  /** A GICv2 with a race planted. */
  public static class PlantedV2 extends EdgeCalls {
    /** Made for each run. */
    public PlantedV2() {
      super(PlantedRace.QUEUED_IS_READ_WITHOUT_THE_LOCK.provider(), false);
    }
  }

  /** A GICv3 with a race planted. */
  public static class PlantedV3 extends EdgeCalls {
    /** Made for each run. */
    public PlantedV3() {
      super(PlantedRace.QUEUED_IS_READ_WITHOUT_THE_LOCK.provider(), true);
    }
  }

  /** An ITS as it is. */
  public static class Messages extends MessageCalls {
    /** Made for each run. */
    public Messages() {
      super(new VgicProvider());
    }
  }

  /** An ITS with a race planted. */
  public static class PlantedMessages extends MessageCalls {
    /** Made for each run. */
    public PlantedMessages() {
      super(PlantedRace.MESSAGES_READ_QUEUED_WITHOUT_THE_LOCK.provider());
    }
  }

  /** What is called: the vCPU by one thread at a time, the rest by any. */
  @Param(name = "edge", gen = IntGen.class, conf = "40:41")
  public abstract static class EdgeCalls {
    final TestGic gic;
    final Vcpu server;
    private int acknowledged = TestGic.SPURIOUS;

    EdgeCalls(DeviceProvider provider, boolean v3) {
      try {
        gic = new TestGic(provider, v3, 2, true);
        server = gic.vcpus[0];
        for (int intid = 40; intid <= LEVEL; intid++) {
          gic.priority(intid, intid - 40 << 4);
        }
        gic.levelSensitive(LEVEL);
      } catch (KvmException e) {
        throw new AssertionError(e);
      }
    }

    /** KVM_IRQ_LINE of an SPI that is edge-triggered. */
    @Operation
    public void edge(@Param(name = "edge") int intid) throws KvmException {
      gic.line(intid, true);
    }

    /** The vCPU runs, acknowledges an interrupt and leaves the guest with it in service. */
    @Operation(nonParallelGroup = "server")
    public int acknowledge() throws KvmException {
      server.enter();
      int intid = gic.acknowledge(server);
      server.exit();
      if (intid != TestGic.SPURIOUS) {
        acknowledged = intid;
      }
      return intid;
    }

    /** The vCPU runs and ends what it acknowledged last. */
    @Operation(nonParallelGroup = "server")
    public void end() throws KvmException {
      server.enter();
      gic.end(server, acknowledged);
      server.exit();
    }
  }

  /** What is called: each vCPU by one thread at a time, the rest by any. */
  @Param(name = "edge", gen = IntGen.class, conf = "40:41")
  @Param(name = "level", gen = IntGen.class, conf = "0:1")
  public abstract static class Calls extends EdgeCalls {
    private final Vcpu other;

    Calls(DeviceProvider provider, boolean v3) {
      super(provider, v3);
      other = gic.vcpus[1];
    }

    /** KVM_IRQ_LINE of an SPI that is level-sensitive. */
    @Operation
    public void level(@Param(name = "level") int level) throws KvmException {
      gic.line(LEVEL, level != 0);
    }

    /** An SGI from the other vCPU. */
    @Operation(nonParallelGroup = "other")
    public void sgi() throws KvmException {
      if (gic.v3) {
        gic.write(other, "ICC_SGI1R_EL1", 1 | 3L << 24);
      } else {
        other.write(TestGic.DISTRIBUTOR + 0xf00, 4, 1L << 16 | 3);
      }
    }

    /** GICD_ICENABLER and GICD_ISENABLER, by the other vCPU. */
    @Operation(nonParallelGroup = "other")
    public void mask(@Param(name = "edge") int intid, @Param(name = "level") int on)
        throws KvmException {
      other.write(TestGic.DISTRIBUTOR + (on == 0 ? 0x184 : 0x104), 4, 1L << intid - 32);
    }

    /** The vCPU runs, and takes an interrupt. */
    @Operation(nonParallelGroup = "server")
    public int take() throws KvmException {
      return gic.take(0);
    }

    /** GICD_ISPENDR for user space, which waits until no vCPU runs. */
    @Operation
    public long pending() throws KvmException {
      return read(0x204);
    }

    /** GICD_ISACTIVER for user space. */
    @Operation
    public long active() throws KvmException {
      return read(0x304);
    }

    private long read(long offset) throws KvmException {
      for (; ; ) {
        try {
          return gic.device.get(1, offset);
        } catch (KvmException busy) {
          if (busy.errno() != Errno.EBUSY) {
            throw busy;
          }
          Thread.yield();
        }
      }
    }
  }

  /**
   * What is called: commands and the vCPU by one thread at a time, messages by any. A command that
   * came while the vCPU is in the guest would find its LPI in a list register, where it leaves it,
   * as in the kernel; {@link MessageRaceTest} has those.
   */
  @Param(name = "event", gen = IntGen.class, conf = "0:1")
  public abstract static class MessageCalls {
    private static final int DEVICE = 4;

    /** One for all runs, of which many are kept: each finds in it what the one before found. */
    private static final TestRam RAM = new TestRam(TestIts.SIZE);

    private final TestIts its;

    MessageCalls(DeviceProvider provider) {
      try {
        its = new TestIts(provider, 2, true, RAM);
        its.mapDevice(DEVICE, 8);
        for (int event = 0; event < 2; event++) {
          its.configure(TestIts.FIRST_LPI + event, event << 4, true);
          its.mapEvent(DEVICE, event, TestIts.FIRST_LPI + event, 0);
        }
      } catch (KvmException e) {
        throw new AssertionError(e);
      }
    }

    /** KVM_SIGNAL_MSI. */
    @Operation
    public int message(@Param(name = "event") int event) throws KvmException {
      return its.signal(DEVICE, event);
    }

    /** DISCARD. */
    @Operation(nonParallelGroup = "driver")
    public void discard(@Param(name = "event") int event) throws KvmException {
      its.discard(DEVICE, event);
    }

    /** MAPTI. */
    @Operation(nonParallelGroup = "driver")
    public void map(@Param(name = "event") int event) throws KvmException {
      its.mapEvent(DEVICE, event, TestIts.FIRST_LPI + event, 0);
    }

    /** CLEAR. */
    @Operation(nonParallelGroup = "driver")
    public void clear(@Param(name = "event") int event) throws KvmException {
      its.clear(DEVICE, event);
    }

    /** The vCPU runs and takes an LPI. */
    @Operation(nonParallelGroup = "driver")
    public int take() throws KvmException {
      return its.take(0);
    }
  }
}
