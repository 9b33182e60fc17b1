package org.kvmdev.devices.mpic;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Requests;
import org.kvmdev.api.machine.Vcpu;
import org.kvmdev.api.machine.VcpuLifecycle;

/** The requests of an e500's vCPU that have a logic of their own: KVM_TRANSLATE, breakpoints. */
final class E500Requests implements Requests, VcpuLifecycle {
  private static final int TRANSLATE = 0xc018_ae85;
  private static final int SET_GUEST_DEBUG = 0x8108_ae9b;

  private static final int TRANSLATION_SIZE = 24;
  private static final int PHYSICAL = 8;
  private static final int VALID = 16;

  private static final int DEBUG_SIZE = 264;
  private static final int BREAKPOINTS = 8;
  private static final int BREAKPOINT_SIZE = 16;

  /** KVM_GUESTDBG_ENABLE. */
  private static final int ENABLE = 1;

  /** KVM_GUESTDBG_USE_HW_BP. */
  private static final int USE_HARDWARE = 0x2_0000;

  /** KVMPPC_DEBUG_BREAKPOINT. */
  private static final int BREAKPOINT = 2;

  /** KVMPPC_DEBUG_BREAKPOINT, KVMPPC_DEBUG_WATCH_WRITE, KVMPPC_DEBUG_WATCH_READ. */
  private static final int TYPES = 0xe;

  /** Instruction address compare registers, and data address compare registers. */
  private static final int MOST = 2;

  private static final KvmException NOT_A_PARTITION =
      KvmException.constant(
          Errno.EINVAL, "KVM_CAP_PPC_PAPR was enabled: the guest of an e500 is no partition");

  private final int slot;

  private E500Requests(Machine machine) {
    slot = machine.slot();
  }

  /** The VM's. */
  static E500Requests of(Machine machine) {
    return machine.family(E500Requests.class, () -> new E500Requests(machine));
  }

  E500Cpu cpu(Vcpu vcpu) {
    Object state = vcpu.slot(slot);
    if (state == null) {
      throw new IllegalStateException(vcpu + " was not made in this VM");
    }
    return (E500Cpu) state;
  }

  @Override
  public void created(Vcpu vcpu) {
    vcpu.slot(slot, new E500Cpu());
  }

  /** What a vCPU is asked after each capability, and before it runs. */
  void requireSane(Vcpu vcpu) throws KvmException {
    if (cpu(vcpu).papr) {
      throw NOT_A_PARTITION;
    }
  }

  @Override
  public void mayRun(Vcpu vcpu) throws KvmException {
    requireSane(vcpu);
  }

  @Override
  public List<Integer> requests(Target target) {
    return target == Target.VCPU ? List.of(TRANSLATE, SET_GUEST_DEBUG) : List.of();
  }

  @Override
  public long ioctl(int request, @Nullable Vcpu vcpu, UserMemory memory, long argument)
      throws KvmException {
    if (vcpu == null) {
      throw new IllegalArgumentException("request " + request + " is a vCPU's");
    }
    if (request == TRANSLATE) {
      memory.read(argument, new byte[TRANSLATION_SIZE], 0, TRANSLATION_SIZE);
      long physical = cpu(vcpu).tlb.translate(memory.readNumber(argument, 8));
      boolean valid = physical != SoftwareTlb.UNMAPPED;
      if (valid) {
        memory.writeNumber(argument + PHYSICAL, 8, physical);
      }
      memory.writeNumber(argument + VALID, 1, valid ? 1 : 0);
    } else {
      memory.read(argument, new byte[DEBUG_SIZE], 0, DEBUG_SIZE);
      int control = (int) memory.readNumber(argument, 4);
      if ((control & ENABLE) != 0 && (control & USE_HARDWARE) != 0) {
        requireRegisters(memory, argument + BREAKPOINTS);
      }
    }
    return 0;
  }

  /** There are two registers for breakpoints, and two for watchpoints. */
  private static void requireRegisters(UserMemory memory, long address) throws KvmException {
    int breakpoints = 0;
    int watchpoints = 0;
    for (int i = 0; i < 2 * MOST; i++) {
      int type = (int) memory.readNumber(address + (long) BREAKPOINT_SIZE * i + 8, 4);
      if ((type & BREAKPOINT) != 0) {
        breakpoints++;
      } else if (type != 0) {
        watchpoints++;
      }
      if ((type & ~TYPES) != 0 || breakpoints > MOST || watchpoints > MOST) {
        throw new KvmException(
            Errno.EINVAL, "breakpoint %d of type %#x: no such type, or too many", i, type);
      }
    }
  }
}
