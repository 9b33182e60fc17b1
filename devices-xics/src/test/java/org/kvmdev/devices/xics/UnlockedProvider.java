package org.kvmdev.devices.xics;

import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Vcpu;

/** A XICS with a race planted: its servers' locks are never taken. */
final class UnlockedProvider extends VariantProvider {
  @Override
  Xics device(Machine machine) {
    return new Xics(machine, Partition.of(machine)) {
      @Override
      PresentationController present(Vcpu vcpu, int number) {
        return new Unlocked(this, vcpu, number);
      }
    };
  }

  private static final class Unlocked extends PresentationController {
    Unlocked(Xics xics, Vcpu vcpu, int number) {
      super(xics, vcpu, number);
    }

    @Override
    void lock() {}

    @Override
    void unlock() {}
  }
}
