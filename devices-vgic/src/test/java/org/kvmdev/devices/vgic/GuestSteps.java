package org.kvmdev.devices.vgic;

import java.util.ArrayList;
import java.util.List;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/** The steps of a guest that is driven at random, each of which two GICs are to take alike. */
final class GuestSteps {
  private static final int SPI = 1 << 24;
  private static final int PPI = 2 << 24;

  /** What a step does with a GIC, and what comes of it. */
  interface Step {
    long on(TestGic gic, Vcpu vcpu) throws KvmException;
  }

  /** What comes of nothing. */
  interface Silent {
    void on(TestGic gic, Vcpu vcpu) throws KvmException;
  }

  /** What was acknowledged and has not ended. */
  private final List<Integer> acknowledged = new ArrayList<>();

  private final int deepest;

  /** The steps of a guest that has at most so many interrupts active within each other. */
  GuestSteps(int deepest) {
    this.deepest = deepest;
  }

  static Step step(Silent action) {
    return (gic, vcpu) -> {
      action.on(gic, vcpu);
      return 0;
    };
  }

  static void line(TestGic gic, int intid, boolean high) throws KvmException {
    gic.vm.irqLine((intid < Interrupt.PRIVATE ? PPI : SPI) | intid, high ? 1 : 0);
  }

  /** Both GICs find the same, or the test fails; so what the first finds is noted. */
  Step acknowledge() {
    if (acknowledged.size() == deepest) {
      return (gic, vcpu) -> 0;
    }
    boolean[] noted = new boolean[1];
    return (gic, vcpu) -> {
      int intid = gic.acknowledge(vcpu);
      if (intid != TestGic.SPURIOUS && !noted[0]) {
        acknowledged.add(intid);
        noted[0] = true;
      }
      return intid;
    };
  }

  /** Ends what was acknowledged last, mostly after its device lowered its line. */
  Step end(boolean lower) {
    if (acknowledged.isEmpty()) {
      return (gic, vcpu) -> 0;
    }
    int taken = acknowledged.removeLast();
    return step(
        (gic, vcpu) -> {
          int intid = taken & 0x3ff;
          if (lower && intid >= Interrupt.SGIS) {
            line(gic, intid, false);
          }
          gic.end(vcpu, taken);
        });
  }
}
