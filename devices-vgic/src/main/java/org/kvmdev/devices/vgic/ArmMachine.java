package org.kvmdev.devices.vgic;

import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Vcpu;
import org.kvmdev.api.machine.VcpuLifecycle;

/**
 * What a VM has beside its GIC: its vCPUs' features, its firmware's version, its counter, and what
 * its vCPUs' first runs check of timers and performance monitors.
 */
final class ArmMachine implements VcpuLifecycle {
  /** Bits of KVM_ARM_VCPU_INIT's features. */
  static final int POWER_OFF = 0;

  /** The guest's firmware is PSCI 0.2 or newer. */
  static final int PSCI_0_2 = 2;

  /** The vCPU has performance monitors. */
  static final int PMU_V3 = 3;

  /** KVM_MP_STATE_STOPPED. */
  static final long STOPPED = 5;

  private static final long MPIDR_RES1 = 0x8000_0000L;

  private static final KvmException BAD_TIMERS =
      KvmException.constant(
          Errno.EINVAL, "the timers' interrupts are one, or another device's: set others");
  private static final KvmException NO_MONITORS =
      KvmException.constant(
          Errno.EINVAL,
          "the vCPU's performance monitors are not initialised, or their interrupt is none of the"
              + " GIC's");

  final Vgic vgic;
  private final Machine machine;
  private final int slot;

  /** PSCI's version, where a client has set one; 0 is the newest. */
  private volatile long firmwareVersion;

  /** What a vCPU's counter is ahead of the process's clock, in its own ticks. */
  private volatile long counterOffset;

  /** A client has said which events may be counted, or has chosen a PMU. */
  volatile boolean monitorsChosen;

  ArmMachine(Machine machine, Vgic vgic) {
    this.machine = machine;
    this.vgic = vgic;
    slot = machine.slot();
    counterOffset = -clock();
  }

  ArmVcpu vcpu(Vcpu vcpu) {
    Object state = vcpu.slot(slot);
    if (state == null) {
      throw new IllegalStateException(vcpu + " was not made in this VM");
    }
    return (ArmVcpu) state;
  }

  boolean has(Vcpu vcpu, int feature) {
    return (vcpu.registers().features() >>> feature & 1) != 0;
  }

  /** KVM_ARM_VCPU_INIT: every register has its initial value again. */
  void reset(Vcpu vcpu, int features) {
    vcpu.registers().reset(Integer.toUnsignedLong(features));
    if (vcpu.registers().has("MPIDR_EL1")) {
      vcpu.registers().set("MPIDR_EL1", MPIDR_RES1 | Affinity.of(vcpu.id()));
      vcpu.registers().set("mp_state", (features >>> POWER_OFF & 1) != 0 ? STOPPED : 0);
    }
  }

  // The firmware.

  private static final long PSCI_0_1 = 0x1;
  private static final long PSCI_1_1 = 0x1_0001;

  /** PSCI's version, as a vCPU's guest is told it. */
  long firmwareVersion(Vcpu vcpu) {
    if (!has(vcpu, PSCI_0_2)) {
      return PSCI_0_1;
    }
    return firmwareVersion == 0 ? PSCI_1_1 : firmwareVersion;
  }

  void setFirmwareVersion(Vcpu vcpu, long version) throws KvmException {
    boolean known =
        has(vcpu, PSCI_0_2)
            ? version == 0x2 || version == 0x1_0000 || version == PSCI_1_1
            : version == PSCI_0_1;
    if (!known) {
      throw new KvmException(
          Errno.EINVAL,
          "PSCI version %#x: 1 without KVM_ARM_VCPU_PSCI_0_2, else 0.2 to 1.1",
          version);
    }
    firmwareVersion = version;
  }

  // The counter.

  /** The process's clock, at the 62.5 MHz of the recorded machines. */
  private static long clock() {
    return System.nanoTime() >>> 4;
  }

  /** The virtual counter. */
  long counter() {
    return clock() + counterOffset;
  }

  void setCounter(long value) {
    counterOffset = value - clock();
  }

  // vCPUs.

  @Override
  public void created(Vcpu vcpu) {
    vcpu.slot(slot, new ArmVcpu());
  }

  @Override
  public void starting(Vcpu vcpu) throws KvmException {
    VgicCpu cpu = vgic.cpu(vcpu);
    ArmVcpu own = vcpu(vcpu);
    if (vgic.exists() && !vgic.timers.canHaveInterrupts(cpu)) {
      throw BAD_TIMERS;
    }
    if (has(vcpu, PMU_V3)) {
      int interrupt = own.monitorInterrupt;
      boolean valid =
          vgic.exists()
              ? vgic.interrupt(cpu, interrupt) != null && interrupt >= Interrupt.SGIS
              : interrupt == 0;
      if (!own.monitorsCreated || !valid) {
        throw NO_MONITORS;
      }
    }
  }

  Machine machine() {
    return machine;
  }
}
