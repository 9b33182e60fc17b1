package org.kvmdev.testkit.replay;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.SystemRegister;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.testkit.trace.Call;
import org.kvmdev.testkit.trace.Field;

/**
 * What a recording's guest does. Each action is one KVM_RUN: the vCPU enters the guest, does it,
 * and exits.
 */
final class GuestActions {
  /** A hypercall's result and the arguments behind it. */
  private static final int HYPERCALL_REGISTERS = 16;

  private final boolean hasFastInterrupt;
  private final long[] registers = new long[HYPERCALL_REGISTERS];

  GuestActions(Host host) {
    hasFastInterrupt = host.number("pins", 1) > 1;
  }

  void act(Call call, Vcpu vcpu, Handle.VmState vm, Outcome outcome) throws KvmException {
    SystemRegister register = call.has(Field.REG) ? vm.register(call.text(Field.REG)) : null;
    vcpu.enter();
    try {
      act(call, vcpu, register, outcome);
    } finally {
      vcpu.exit();
    }
  }

  private void act(Call call, Vcpu vcpu, @Nullable SystemRegister register, Outcome outcome)
      throws KvmException {
    switch (call.kind()) {
      case GUEST_READ -> {
        long value = vcpu.read(call.number(Field.GPA), (int) call.number(Field.SIZE));
        mmio(vcpu, value, outcome);
      }
      case GUEST_WRITE -> {
        vcpu.write(call.number(Field.GPA), (int) call.number(Field.SIZE), call.number(Field.VALUE));
        mmio(vcpu, null, outcome);
      }
      case GUEST_SYSREG_READ -> {
        long value = vcpu.read(required(call, register));
        if (vcpu.trapped()) {
          outcome.set(Field.UNDEF, true);
        } else {
          outcome.set(Field.VALUE, value);
        }
      }
      case GUEST_SYSREG_WRITE -> {
        vcpu.write(required(call, register), call.number(Field.VALUE));
        if (vcpu.trapped()) {
          outcome.set(Field.UNDEF, true);
        }
      }
      case GUEST_IRQ -> {
        outcome.set(Field.IRQ, bit(vcpu.pin(0)));
        if (hasFastInterrupt) {
          outcome.set(Field.FIQ, bit(vcpu.pin(1)));
        }
      }
      case GUEST_TAKE_IRQ -> {
        outcome.set(Field.TAKEN, bit(vcpu.takeInterrupt()));
        outcome.set(Field.EPR, (long) vcpu.externalVector());
      }
      case GUEST_HCALL -> hypercall(call, vcpu, outcome);
      default -> throw new AssertionError(call.kind() + " is not what a guest does");
    }
  }

  private static SystemRegister required(Call call, @Nullable SystemRegister register) {
    if (register == null) {
      throw new AssertionError(call + " names no register");
    }
    return register;
  }

  private static long bit(boolean set) {
    return set ? 1 : 0;
  }

  private static void mmio(Vcpu vcpu, @Nullable Long value, Outcome outcome) {
    if (vcpu.exited()) {
      outcome.set(Field.EXIT, "mmio");
    } else if (value != null) {
      outcome.set(Field.VALUE, value);
    }
  }

  private void hypercall(Call call, Vcpu vcpu, Outcome outcome) throws KvmException {
    Arrays.fill(registers, 0);
    int at = 1;
    for (Object argument : call.list(Field.ARGS)) {
      if (at < registers.length && argument instanceof Long value) {
        registers[at++] = value;
      }
    }
    int count = vcpu.hypercall(call.number(Field.NR), registers);
    if (count < 0) {
      outcome.set(Field.EXIT, "hcall");
      return;
    }
    outcome.set(Field.RET, registers[0]);
    List<Object> answers = new ArrayList<>();
    for (int i = 1; i <= count; i++) {
      answers.add(registers[i]);
    }
    outcome.set(Field.ARGS_OUT, answers);
  }
}
