package org.kvmdev.devices.vgic;

import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Vcpu;
import org.kvmdev.api.machine.VcpuRegisters;

/**
 * Registers with a logic of their own: the firmware's version, which is the VM's, and the virtual
 * timer's, which count. The others are lines of the host's tables.
 */
final class ArmRegisters implements VcpuRegisters {
  /** KVM_REG_ARM_PSCI_VERSION. */
  private static final long PSCI_VERSION = 0x6030_0000_0014_0000L;

  /** KVM_REG_ARM_TIMER_CTL. */
  private static final long TIMER_CTL = 0x6030_0000_0013_df19L;

  /** KVM_REG_ARM_TIMER_CNT. */
  private static final long TIMER_CNT = 0x6030_0000_0013_df1aL;

  /** CNTV_CTL_EL0.ISTATUS: the counter has reached the compare value. */
  private static final long REACHED = 4;

  /** The upper 8 bits of an id: KVM_REG_ARM64. */
  private static final int ARM64 = 0x60;

  /** The bits of an id that say what kind of register it is. */
  private static final int KIND_SHIFT = 16;

  /** KVM_REG_ARM_CORE. */
  private static final int CORE = 0x10;

  /** KVM_REG_ARM_DEMUX. */
  private static final int DEMUX = 0x11;

  /** struct kvm_regs, in words of 32 bits. */
  private static final int CORE_WORDS = 0xd8;

  private static final KvmException NOT_INITIALISED =
      KvmException.constant(
          Errno.ENOEXEC, "the vCPU has no registers before KVM_ARM_VCPU_INIT; do that first");

  private final ArmMachine machine;

  ArmRegisters(ArmMachine machine) {
    this.machine = machine;
  }

  @Override
  public void requireAccess(Vcpu vcpu) throws KvmException {
    if (!machine.vgic.cpu(vcpu).initialised) {
      throw NOT_INITIALISED;
    }
  }

  @Override
  public boolean owns(long id) {
    return id == PSCI_VERSION || id == TIMER_CTL || id == TIMER_CNT;
  }

  /** A part of a core register is EINVAL, what no register is at all ENOENT. */
  @Override
  public Errno unknown(long id, Errno usual) {
    if (id >>> 56 != ARM64) {
      return usual;
    }
    boolean core = (id >>> KIND_SHIFT & 0xfff) == CORE && (id & 0xffff) < CORE_WORDS;
    return core ? usual : Errno.ENOENT;
  }

  /** Parts of core registers and of the cache's sizes are told before the value is read. */
  @Override
  public boolean looksUpFirst(long id) {
    long kind = id >>> KIND_SHIFT & 0xfff;
    return id >>> 56 != ARM64 || kind == CORE || kind == DEMUX;
  }

  @Override
  public long get(Vcpu vcpu, long id) {
    if (id == PSCI_VERSION) {
      return machine.firmwareVersion(vcpu);
    }
    if (id == TIMER_CNT) {
      return machine.counter();
    }
    long control = vcpu.registers().get("CNTV_CTL_EL0");
    boolean reached =
        Long.compareUnsigned(machine.counter(), vcpu.registers().get("TIMER_CVAL")) >= 0;
    return control & ~REACHED | (reached ? REACHED : 0);
  }

  @Override
  public void set(Vcpu vcpu, long id, long value) throws KvmException {
    if (id == PSCI_VERSION) {
      machine.setFirmwareVersion(vcpu, value);
    } else if (id == TIMER_CNT) {
      machine.setCounter(value);
    } else {
      vcpu.registers().set("CNTV_CTL_EL0", value & 0xffff_ffffL);
    }
  }
}
