package org.kvmdev.devices.xics;

import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Vcpu;

/** A XICS with a race planted: its servers give their locks back while a source is delivered. */
final class RacingProvider extends VariantProvider {
  private final boolean yields;

  /**
   * A provider of it.
   *
   * @param yields whether others get their turn while a source is delivered, so that few calls race
   *     for sure
   */
  RacingProvider(boolean yields) {
    this.yields = yields;
  }

  @Override
  Xics device(Machine machine) {
    return new Xics(machine, Partition.of(machine)) {
      @Override
      PresentationController present(Vcpu vcpu, int number) {
        return new Racing(this, vcpu, number, yields);
      }
    };
  }

  private static final class Racing extends PresentationController {
    private final boolean yields;

    Racing(Xics xics, Vcpu vcpu, int number, boolean yields) {
      super(xics, vcpu, number);
      this.yields = yields;
    }

    @Override
    boolean leave(int source, int priority) {
      unlock();
      if (yields) {
        Thread.yield();
      }
      lock();
      return super.leave(source, priority);
    }
  }
}
