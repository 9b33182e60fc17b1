package org.kvmdev.devices.xics;

import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Vcpu;

/** A XICS with a race planted: its servers' locks are never taken. */
final class UnlockedProvider extends VariantProvider {
  private final boolean yields;

  /**
   * A provider of it.
   *
   * @param yields whether others get their turn while a source is delivered, so that few calls race
   *     for sure
   */
  UnlockedProvider(boolean yields) {
    this.yields = yields;
  }

  @Override
  Xics device(Machine machine) {
    return new Xics(machine, Partition.of(machine)) {
      @Override
      PresentationController present(Vcpu vcpu, int number) {
        return new Unlocked(this, vcpu, number, yields);
      }
    };
  }

  private static final class Unlocked extends PresentationController {
    private final boolean yields;

    Unlocked(Xics xics, Vcpu vcpu, int number, boolean yields) {
      super(xics, vcpu, number);
      this.yields = yields;
    }

    @Override
    void lock() {}

    @Override
    void unlock() {}

    @Override
    boolean leave(int source, int priority) {
      if (yields) {
        Thread.yield();
      }
      return super.leave(source, priority);
    }
  }
}
