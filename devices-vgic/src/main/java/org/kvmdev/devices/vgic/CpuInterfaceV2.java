package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Vcpu;

/**
 * A GICv2's CPU interface, IHI 0048B, chapter 4.4. The guest's loads and stores go to the
 * hardware's virtual CPU interface, which takes any size; user space reads and writes what survives
 * an exit.
 */
final class CpuInterfaceV2 implements MmioHandler {
  /** GICC_IIDR as user space reads it: KVM's product, architecture 2, Arm. */
  private static final int KVM_ID = 0x04b2_043b;

  private final Vgic vgic;
  private final VgicCpu[] cpus;

  CpuInterfaceV2(Vgic vgic) {
    this.vgic = vgic;
    cpus = vgic.cpus;
  }

  private static VirtualCpuInterfaceV2 hardware(VgicCpu cpu) {
    return (VirtualCpuInterfaceV2) cpu.cpuInterface;
  }

  @Override
  public long read(Vcpu vcpu, long offset, int size) {
    if (size == 8) {
      return read(vcpu, offset, 4) & 0xffff_ffffL | read(vcpu, offset + 4, 4) << 32;
    }
    CpuInterfaceV2Register register = CpuInterfaceV2Register.exactly(offset);
    if (register == null) {
      return 0;
    }
    VgicCpu cpu = cpus[vcpu.index()];
    VirtualCpuInterfaceV2 hardware = hardware(cpu);
    cpu.lockSettled();
    // A switch costs loads of its own, so what is read most comes before it.
    int value =
        register == CpuInterfaceV2Register.GICC_IAR
            ? acknowledge(cpu, hardware)
            : read(hardware, register, offset);
    cpu.unlock();
    return value & 0xffff_ffffL;
  }

  private int read(VirtualCpuInterfaceV2 hardware, CpuInterfaceV2Register register, long offset) {
    return switch (register) {
      case GICC_CTLR -> control(hardware);
      case GICC_PMR -> hardware.priorityMask;
      case GICC_BPR -> hardware.binaryPoint0;
      case GICC_RPR -> hardware.runningPriority();
      case GICC_HPPIR -> hardware.highestPendingIntid();
      case GICC_ABPR -> hardware.binaryPoint1;
      case GICC_APR -> offset == 0xd0 ? hardware.activePriorities : 0;
      case GICC_IIDR -> vgic.host.cpuInterfaceId;
      case GICC_EOIR, GICC_DIR -> 0;
      case GICC_IAR -> throw new AssertionError(register);
    };
  }

  private static int acknowledge(VgicCpu cpu, VirtualCpuInterfaceV2 hardware) {
    int intid = hardware.acknowledge();
    if ((intid & 0x3ff) >= VirtualCpuInterface.SPECIAL) {
      cpu.cpuInterfaceChanged();
    } else {
      cpu.acknowledged();
    }
    return intid;
  }

  @Override
  public long write(Vcpu vcpu, long offset, int size, long value) {
    if (size == 8) {
      write(vcpu, offset, 4, value & 0xffff_ffffL);
      return write(vcpu, offset + 4, 4, value >>> 32);
    }
    CpuInterfaceV2Register register = CpuInterfaceV2Register.exactly(offset);
    if (register == null) {
      return 0;
    }
    VgicCpu cpu = cpus[vcpu.index()];
    VirtualCpuInterfaceV2 hardware = hardware(cpu);
    cpu.lockSettled();
    if (register == CpuInterfaceV2Register.GICC_EOIR) {
      hardware.end((int) value & 0x3ff);
    } else {
      write(hardware, register, offset, (int) value);
    }
    cpu.cpuInterfaceChanged();
    cpu.unlock();
    return 0;
  }

  private static void write(
      VirtualCpuInterfaceV2 hardware, CpuInterfaceV2Register register, long offset, int value) {
    switch (register) {
      case GICC_CTLR -> {
        control(hardware, value);
        hardware.reconsider();
      }
      case GICC_PMR -> {
        hardware.priorityMask = value & 0xf8;
        hardware.reconsider();
      }
      case GICC_BPR ->
          hardware.binaryPoint0 = Math.max(value & 7, VirtualCpuInterface.MIN_BINARY_POINT);
      // The hardware's smallest value for group 1 is enforced at the next entry only.
      case GICC_ABPR -> hardware.binaryPoint1 = Math.max(value & 7, 1);
      case GICC_APR -> {
        if (offset == 0xd0) {
          hardware.activePriorities(value);
        }
      }
      case GICC_DIR -> hardware.deactivateIntid(value & 0x3ff);
      case GICC_IAR, GICC_RPR, GICC_HPPIR, GICC_IIDR -> {}
      case GICC_EOIR -> throw new AssertionError(register);
    }
  }

  private static int control(VirtualCpuInterfaceV2 hardware) {
    return (hardware.group0Enabled ? 1 : 0)
        | (hardware.group1Enabled ? 1 << 1 : 0)
        | (hardware.acknowledgesGroup1 ? 1 << 2 : 0)
        | (hardware.fiqEnabled ? 1 << 3 : 0)
        | (hardware.commonBinaryPoint ? 1 << 4 : 0)
        | (hardware.eoiMode ? 1 << 9 : 0);
  }

  private static void control(VirtualCpuInterfaceV2 hardware, int value) {
    hardware.group0Enabled = (value & 1) != 0;
    hardware.group1Enabled = (value & 1 << 1) != 0;
    hardware.acknowledgesGroup1 = (value & 1 << 2) != 0;
    hardware.fiqEnabled = (value & 1 << 3) != 0;
    hardware.commonBinaryPoint = (value & 1 << 4) != 0;
    hardware.eoiMode = (value & 1 << 9) != 0;
  }

  /** Whether user space has a register at an offset. */
  static boolean has(long offset) {
    return state(offset) != null;
  }

  private static @Nullable CpuInterfaceV2Register state(long offset) {
    CpuInterfaceV2Register register = CpuInterfaceV2Register.exactly(offset);
    return register != null && register.isState ? register : null;
  }

  /** User space's read. */
  static long userRead(VgicCpu cpu, long offset) {
    CpuInterfaceV2Register register = state(offset);
    if (register == null) {
      return 0;
    }
    cpu.lockSettled();
    VirtualCpuInterfaceV2 saved = hardware(cpu);
    int value =
        switch (register) {
          case GICC_CTLR -> control(saved);
          case GICC_PMR -> saved.priorityMask >> 3;
          case GICC_BPR -> saved.binaryPoint0;
          case GICC_ABPR -> saved.binaryPoint1;
          case GICC_APR -> offset == 0xd0 ? saved.activePriorities : 0;
          case GICC_IIDR -> KVM_ID;
          case GICC_IAR, GICC_EOIR, GICC_RPR, GICC_HPPIR, GICC_DIR -> 0;
        };
    cpu.unlock();
    return value & 0xffff_ffffL;
  }

  /** User space's write; the smallest binary points are enforced at the next entry. */
  static void userWrite(VgicCpu cpu, long offset, long value) {
    CpuInterfaceV2Register register = state(offset);
    if (register == null) {
      return;
    }
    cpu.lockSettled();
    VirtualCpuInterfaceV2 saved = hardware(cpu);
    switch (register) {
      case GICC_CTLR -> control(saved, (int) value);
      case GICC_PMR -> saved.priorityMask = (int) value << 3 & 0xf8;
      case GICC_BPR -> saved.binaryPoint0 = (int) value & 7;
      case GICC_ABPR -> saved.binaryPoint1 = (int) value & 7;
      case GICC_APR -> {
        if (offset == 0xd0) {
          saved.activePriorities = (int) value;
        }
      }
      case GICC_IIDR, GICC_IAR, GICC_EOIR, GICC_RPR, GICC_HPPIR, GICC_DIR -> {}
    }
    cpu.unlock();
  }
}
