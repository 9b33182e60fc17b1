package org.kvmdev.devices.vgic;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.SystemRegisters;
import org.kvmdev.api.machine.Vcpu;

/**
 * A GICv3's CPU interface as system registers (ICC_*_EL1). The guest's accesses go to the
 * hardware's virtual CPU interface, except those that generate SGIs and ICC_SRE_EL1, which are
 * emulated; user space reads and writes what survives an exit. Beside them are the two registers of
 * the CPU that depend on it: MPIDR_EL1 and ISR_EL1.
 */
final class SystemRegisterInterface implements SystemRegisters {
  private static final int MPIDR_EL1 = IccRegister.encoding(3, 0, 0, 0, 5);
  private static final int ISR_EL1 = IccRegister.encoding(3, 0, 12, 1, 0);

  /** ICC_SRE_EL1: no bypass, system registers in use. */
  private static final int SRE = 7;

  /** ICC_CTLR_EL1.A3V, which the recorded hosts have. */
  private static final int AFF3_VALID = 1 << 15;

  private static final int SEIS = 1 << 14;

  /** ICC_SGI1R_EL1.IRM. */
  private static final long TO_ALL_OTHERS = 1L << 40;

  private static final KvmException UNKNOWN =
      KvmException.constant(Errno.ENOENT, "no such register of the CPU interface");
  private static final KvmException NO_SUCH_APR =
      KvmException.constant(
          Errno.EINVAL, "with 5 priority bits there is only the first active priorities register");
  private static final KvmException NO_SRE =
      KvmException.constant(Errno.EINVAL, "ICC_SRE_EL1.SRE cannot be cleared");
  private static final KvmException HOST_LACKS =
      KvmException.constant(
          Errno.EINVAL,
          "ICC_CTLR_EL1 has priority bits, INTID bits, SEIS or A3V that the host lacks");

  private static final Map<String, Integer> ENCODINGS = encodings();

  private final Vgic vgic;
  private final VgicCpu[] cpus;

  SystemRegisterInterface(Vgic vgic) {
    this.vgic = vgic;
    cpus = vgic.cpus;
  }

  private static Map<String, Integer> encodings() {
    Map<String, Integer> encodings = new TreeMap<>();
    encodings.put("MPIDR_EL1", MPIDR_EL1);
    encodings.put("ISR_EL1", ISR_EL1);
    for (IccRegister register : IccRegister.values()) {
      if (register.spec().count() == 1) {
        encodings.put(register.name(), register.encoding(0));
      } else {
        for (int i = 0; i < register.spec().count(); i++) {
          encodings.put(register.name().replace("R_EL1", "R" + i + "_EL1"), register.encoding(i));
        }
      }
    }
    return encodings;
  }

  @Override
  public int encoding(String name) {
    return ENCODINGS.getOrDefault(name, NOT_MINE);
  }

  @Override
  public List<String> names() {
    return List.copyOf(ENCODINGS.keySet());
  }

  private static VirtualCpuInterfaceV3 hardware(VgicCpu cpu) {
    return (VirtualCpuInterfaceV3) cpu.cpuInterface;
  }

  @Override
  public long read(Vcpu vcpu, int encoding) {
    IccRegister register = IccRegister.readable(encoding);
    if (register == null || !vgic.isV3()) {
      return readOther(vcpu, encoding);
    }
    VgicCpu cpu = cpus[vcpu.index()];
    VirtualCpuInterfaceV3 hardware = hardware(cpu);
    cpu.lockSettled();
    // A switch costs loads of its own, so what is read most comes before it.
    int value =
        register == IccRegister.ICC_IAR1_EL1
            ? acknowledge(cpu, hardware, true)
            : read(cpu, hardware, register);
    cpu.unlock();
    return value & 0xffff_ffffL;
  }

  private int read(VgicCpu cpu, VirtualCpuInterfaceV3 hardware, IccRegister register) {
    return switch (register) {
      case ICC_PMR_EL1 -> hardware.priorityMask;
      case ICC_IAR0_EL1 -> acknowledge(cpu, hardware, false);
      case ICC_HPPIR0_EL1 -> hardware.highestPendingIntid(false);
      case ICC_HPPIR1_EL1 -> hardware.highestPendingIntid(true);
      case ICC_BPR0_EL1 -> hardware.binaryPoint0;
      case ICC_BPR1_EL1 -> binaryPoint1(hardware);
      case ICC_AP0R_EL1 -> hardware.activePriorities0;
      case ICC_AP1R_EL1 -> hardware.activePriorities1;
      case ICC_RPR_EL1 -> hardware.runningPriority();
      case ICC_CTLR_EL1 -> control(hardware, vgic.host.priorityBits, vgic.host.idBitsField);
      case ICC_SRE_EL1 -> SRE;
      case ICC_IGRPEN0_EL1 -> hardware.group0Enabled ? 1 : 0;
      case ICC_IGRPEN1_EL1 -> hardware.group1Enabled ? 1 : 0;
      case ICC_IAR1_EL1,
          ICC_EOIR0_EL1,
          ICC_EOIR1_EL1,
          ICC_DIR_EL1,
          ICC_SGI0R_EL1,
          ICC_SGI1R_EL1,
          ICC_ASGI1R_EL1 ->
          throw new AssertionError(register);
    };
  }

  private static int acknowledge(VgicCpu cpu, VirtualCpuInterfaceV3 hardware, boolean group1) {
    int intid = hardware.acknowledge(group1);
    if (intid == VirtualCpuInterface.SPURIOUS) {
      cpu.cpuInterfaceChanged();
    } else {
      cpu.acknowledged();
    }
    return intid;
  }

  private static int binaryPoint1(VirtualCpuInterfaceV3 hardware) {
    return hardware.commonBinaryPoint
        ? Math.min(hardware.binaryPoint0 + 1, 7)
        : hardware.binaryPoint1;
  }

  private static int control(VirtualCpuInterfaceV3 hardware, int priorityBits, int idBits) {
    return (hardware.commonBinaryPoint ? 1 : 0)
        | (hardware.eoiMode ? 1 << 1 : 0)
        | (priorityBits - 1) << 8
        | idBits << 11
        | AFF3_VALID;
  }

  private long readOther(Vcpu vcpu, int encoding) {
    if (encoding == MPIDR_EL1) {
      return 1L << 31 | cpus[vcpu.index()].affinity();
    }
    if (encoding == ISR_EL1) {
      return (vcpu.pin(VgicCpu.IRQ_PIN) ? 1 << 7 : 0) | (vcpu.pin(VgicCpu.FIQ_PIN) ? 1 << 6 : 0);
    }
    return vcpu.undefined();
  }

  @Override
  public long write(Vcpu vcpu, int encoding, long value) {
    IccRegister register = IccRegister.writable(encoding);
    if (register == null || !vgic.isV3()) {
      return vcpu.undefined();
    }
    VgicCpu cpu = cpus[vcpu.index()];
    // A switch costs loads of its own, so what is written most comes before it.
    if (register == IccRegister.ICC_SGI1R_EL1) {
      generateSgi(cpu, value, true);
    } else if (register == IccRegister.ICC_SGI0R_EL1 || register == IccRegister.ICC_ASGI1R_EL1) {
      generateSgi(cpu, value, false);
    } else {
      VirtualCpuInterfaceV3 hardware = hardware(cpu);
      cpu.lockSettled();
      if (register == IccRegister.ICC_EOIR1_EL1) {
        hardware.end((int) value & 0xff_ffff, true);
      } else {
        write(hardware, register, (int) value);
      }
      cpu.cpuInterfaceChanged();
      cpu.unlock();
    }
    return 0;
  }

  private static void write(VirtualCpuInterfaceV3 hardware, IccRegister register, int value) {
    switch (register) {
      case ICC_PMR_EL1 -> hardware.priorityMask = value & 0xf8;
      case ICC_BPR0_EL1 ->
          hardware.binaryPoint0 = Math.max(value & 7, VirtualCpuInterface.MIN_BINARY_POINT);
      case ICC_BPR1_EL1 -> {
        if (!hardware.commonBinaryPoint) {
          hardware.binaryPoint1 = Math.max(value & 7, VirtualCpuInterface.MIN_BINARY_POINT + 1);
        }
      }
      case ICC_AP0R_EL1 -> hardware.activePriorities0 = value;
      case ICC_AP1R_EL1 -> hardware.activePriorities1 = value;
      case ICC_EOIR0_EL1 -> hardware.end(value & 0xff_ffff, false);
      case ICC_DIR_EL1 -> hardware.deactivateIntid(value & 0xff_ffff);
      case ICC_CTLR_EL1 -> {
        hardware.commonBinaryPoint = (value & 1) != 0;
        hardware.eoiMode = (value & 1 << 1) != 0;
      }
      case ICC_IGRPEN0_EL1 -> {
        hardware.group0Enabled = (value & 1) != 0;
        hardware.reconsider();
      }
      case ICC_IGRPEN1_EL1 -> {
        hardware.group1Enabled = (value & 1) != 0;
        hardware.reconsider();
      }
      case ICC_SRE_EL1 -> {}
      case ICC_EOIR1_EL1,
          ICC_IAR0_EL1,
          ICC_IAR1_EL1,
          ICC_HPPIR0_EL1,
          ICC_HPPIR1_EL1,
          ICC_RPR_EL1,
          ICC_SGI0R_EL1,
          ICC_SGI1R_EL1,
          ICC_ASGI1R_EL1 ->
          throw new AssertionError(register);
    }
  }

  /**
   * ICC_SGI0R_EL1, ICC_SGI1R_EL1, ICC_ASGI1R_EL1: an SGI for up to sixteen vCPUs that share Aff3 to
   * Aff1, or for all others.
   *
   * @param anyGroup whether SGIs of group 1 are generated too
   */
  private void generateSgi(VgicCpu source, long value, boolean anyGroup) {
    int intid = (int) (value >> 24) & 0xf;
    boolean toOthers = (value & TO_ALL_OTHERS) != 0;
    if (!toOthers && isOnly(source, value) && (anyGroup || !source.own[intid].group1)) {
      source.sendToItself(source.own[intid], 0);
      return;
    }
    boolean running = source.trap();
    if (toOthers) {
      for (int index = 0; index < vgic.cpuCount(); index++) {
        // The kernel leaves out the index that is the writer's id.
        if (index != source.id) {
          generateSgi(vgic.cpu(index), intid, anyGroup);
        }
      }
    } else if ((value >>> 48 & 0xff) == 0) {
      int cluster = cluster(value);
      for (int targets = (int) value & 0xffff; targets != 0; targets &= targets - 1) {
        VgicCpu target = vgic.cpuWithAffinity(cluster | Integer.numberOfTrailingZeros(targets));
        if (target != null) {
          generateSgi(target, intid, anyGroup);
        }
      }
    }
    source.resume(running);
  }

  /** Aff2 and Aff1, as an affinity has them. */
  private static int cluster(long value) {
    return (int) (value >>> 32 & 0xff) << 16 | (int) (value >>> 16 & 0xff) << 8;
  }

  /** Whether an SGI is for its source alone. */
  private boolean isOnly(VgicCpu source, long value) {
    int target = (int) value & 0xffff;
    return Integer.bitCount(target) == 1
        && (value >>> 48 & 0xff) == 0
        && vgic.cpuWithAffinity(cluster(value) | Integer.numberOfTrailingZeros(target)) == source;
  }

  private void generateSgi(VgicCpu target, int intid, boolean anyGroup) {
    Interrupt irq = target.own[intid];
    target.lockSettled();
    if (anyGroup || !irq.group1) {
      irq.latch = true;
      vgic.queue(irq);
    }
    target.unlock();
  }

  // User space.

  private static @Nullable IccRegister state(int encoding) {
    IccRegister register = IccRegister.MAP.at(encoding);
    return register != null && register.isState ? register : null;
  }

  /** Whether user space has a register. */
  static boolean has(int encoding) {
    return state(encoding) != null;
  }

  /** User space's read. */
  static long userRead(VgicCpu cpu, int encoding) throws KvmException {
    IccRegister register = state(encoding);
    if (register == null) {
      throw UNKNOWN;
    }
    VirtualCpuInterfaceV3 saved = hardware(cpu);
    return switch (register) {
      case ICC_PMR_EL1 -> saved.priorityMask;
      case ICC_BPR0_EL1 -> saved.binaryPoint0;
      case ICC_BPR1_EL1 -> binaryPoint1(saved);
      case ICC_AP0R_EL1 -> first(register, encoding) & saved.activePriorities0;
      case ICC_AP1R_EL1 -> first(register, encoding) & saved.activePriorities1;
      case ICC_CTLR_EL1 -> control(saved, cpu.priorityBits, cpu.idBitsField);
      case ICC_SRE_EL1 -> SRE;
      case ICC_IGRPEN0_EL1 -> saved.group0Enabled ? 1 : 0;
      case ICC_IGRPEN1_EL1 -> saved.group1Enabled ? 1 : 0;
      default -> throw UNKNOWN;
    };
  }

  /** A mask of 32 bits; refuses all but the first element of an array. */
  private static long first(IccRegister register, int encoding) throws KvmException {
    if (encoding != register.encoding(0)) {
      throw NO_SUCH_APR;
    }
    return 0xffff_ffffL;
  }

  /** User space's write; the smallest binary points are enforced at the next entry. */
  static void userWrite(VgicCpu cpu, int encoding, long value) throws KvmException {
    IccRegister register = state(encoding);
    if (register == null) {
      throw UNKNOWN;
    }
    VirtualCpuInterfaceV3 saved = hardware(cpu);
    switch (register) {
      case ICC_PMR_EL1 -> saved.priorityMask = (int) value & 0xff;
      case ICC_BPR0_EL1 -> saved.binaryPoint0 = (int) value & 7;
      case ICC_BPR1_EL1 -> {
        if (!saved.commonBinaryPoint) {
          saved.binaryPoint1 = (int) value & 7;
        }
      }
      case ICC_AP0R_EL1 -> saved.activePriorities0 = (int) (value & first(register, encoding));
      case ICC_AP1R_EL1 -> saved.activePriorities1 = (int) (value & first(register, encoding));
      case ICC_CTLR_EL1 -> writeControl(cpu, saved, (int) value);
      case ICC_SRE_EL1 -> {
        if ((value & 1) == 0) {
          throw NO_SRE;
        }
      }
      case ICC_IGRPEN0_EL1 -> saved.group0Enabled = (value & 1) != 0;
      case ICC_IGRPEN1_EL1 -> saved.group1Enabled = (value & 1) != 0;
      default -> throw UNKNOWN;
    }
  }

  /** What comes before a refusal has taken effect, as in the kernel. */
  private static void writeControl(VgicCpu cpu, VirtualCpuInterfaceV3 saved, int value)
      throws KvmException {
    int priorityBits = (value >> 8 & 7) + 1;
    if (priorityBits > cpu.priorityBits) {
      throw HOST_LACKS;
    }
    cpu.priorityBits = priorityBits;
    int idBits = value >> 11 & 7;
    if (idBits > cpu.idBitsField) {
      throw HOST_LACKS;
    }
    cpu.idBitsField = idBits;
    if ((value & SEIS) != 0 || (value & AFF3_VALID) == 0) {
      throw HOST_LACKS;
    }
    saved.commonBinaryPoint = (value & 1) != 0;
    saved.eoiMode = (value & 1 << 1) != 0;
  }
}
