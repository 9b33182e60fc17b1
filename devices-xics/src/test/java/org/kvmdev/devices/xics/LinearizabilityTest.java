package org.kvmdev.devices.xics;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Vm;

/**
 * Lines, acknowledges, ends, inter-processor interrupts and routes race over one server: whatever
 * each call answers, and the state thereafter, must be as if the calls had been made one after the
 * other. The test is tested with a XICS that does not lock.
 */
class LinearizabilityTest {
  private static StressOptions stress() {
    return new StressOptions()
        .iterations(10)
        .invocationsPerIteration(500)
        .threads(3)
        .actorsPerThread(3)
        .actorsBefore(2)
        .actorsAfter(2)
        .minimizeFailedScenario(false);
  }

  @Test
  void whatRacesIsAsIfItWereInSequence() {
    stress().check(Locked.class);
  }

  @Test
  void aPlantedRaceIsFound() {
    StressOptions longer = stress().iterations(100);
    assertThrows(LincheckAssertionError.class, () -> longer.check(Racing.class));
  }

  /** The device as it is. */
  public static class Locked extends Calls {
    private static final Kvm KVM = Kvm.of(List.of(new XicsProvider()));

    /** Made for each run. */
    public Locked() {
      super(KVM);
    }
  }

  /** The device that gives its locks back too early. */
  public static class Racing extends Calls {
    private static final Kvm KVM = Kvm.of(List.of((DeviceProvider) new RacingProvider(true)));

    /** Made for each run. */
    public Racing() {
      super(KVM);
    }
  }

  /** What is called: server 0's vCPU by one thread at a time, the rest by any. */
  @Param(name = "source", gen = IntGen.class, conf = "16:18")
  @Param(name = "priority", gen = IntGen.class, conf = "4:6")
  public abstract static class Calls {
    private final Xics xics;
    private final PresentationController server;

    Calls(Kvm kvm) {
      try {
        Vm vm = kvm.createVm(XicsMachine.HOST);
        var device = vm.createDevice(Xics.TYPE.number());
        var vcpu = vm.createVcpu(0);
        vcpu.enableCapability(68);
        vcpu.connect(92, device, 0);
        xics = (Xics) device.ops();
        server = xics.servers().all().get(0);
        server.setCppr(0xff);
        for (int source = 16; source <= 18; source++) {
          device.set(1, source, source - 12L << 32);
        }
      } catch (KvmException e) {
        throw new AssertionError(e);
      }
    }

    /** A line. */
    @Operation
    public int raise(@Param(name = "source") int source) {
      return xics.line(source, 1);
    }

    /** H_XIRR. */
    @Operation(nonParallelGroup = "vCPU")
    public int accept() {
      return server.accept();
    }

    /** H_EOI. */
    @Operation(nonParallelGroup = "vCPU")
    public boolean end(@Param(name = "source") int source) {
      return server.end(0xff, source);
    }

    /** H_CPPR. */
    @Operation(nonParallelGroup = "vCPU")
    public void cppr(@Param(name = "priority") int priority) {
      server.setCppr(priority);
    }

    /** H_IPI. */
    @Operation
    public void ipi(@Param(name = "priority") int priority) {
      server.setMfrr(priority == 6 ? 0xff : priority);
    }

    /** The register. */
    @Operation
    public long register() {
      return server.register();
    }

    /** ibm,set-xive. */
    @Operation
    public boolean setXive(
        @Param(name = "source") int source, @Param(name = "priority") int priority) {
      return xics.setRoute(source, 0, priority);
    }

    /** ibm,int-off. */
    @Operation
    public boolean intOff(@Param(name = "source") int source) {
      return xics.mask(source);
    }

    /** ibm,int-on. */
    @Operation
    public boolean intOn(@Param(name = "source") int source) {
      return xics.unmask(source);
    }
  }
}
