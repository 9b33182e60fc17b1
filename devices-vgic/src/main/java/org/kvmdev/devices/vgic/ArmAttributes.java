package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.Vcpu;
import org.kvmdev.api.machine.VcpuAttributes;

/**
 * The attributes of a vCPU: its performance monitors, its timers' interrupts, and where it shows
 * its guest the time stolen from it (Documentation/virt/kvm/devices/vcpu.rst).
 */
final class ArmAttributes implements VcpuAttributes {
  /** KVM_ARM_VCPU_PMU_V3_CTRL, and its attributes. */
  private static final int MONITORS = 0;

  private static final int MONITORS_IRQ = 0;
  private static final int MONITORS_INIT = 1;
  private static final int MONITORS_FILTER = 2;
  private static final int MONITORS_SET_PMU = 3;

  /** KVM_ARM_VCPU_TIMER_CTRL: 0 is the virtual timer's interrupt, 1 the physical's. */
  private static final int TIMERS = 1;

  /** KVM_ARM_VCPU_PVTIME_CTRL: 0 is the address. */
  private static final int STEAL_TIME = 2;

  private static final int STEAL_TIME_ALIGNMENT = 64;

  /** The last SPI. */
  private static final int LAST_SPI = 1019;

  private static final KvmException NONE =
      KvmException.constant(
          Errno.ENXIO, "no such vCPU attribute, or the vCPU has not the feature for it");
  private static final KvmException NO_MONITORS =
      KvmException.constant(
          Errno.ENODEV, "the vCPU has no performance monitors: KVM_ARM_VCPU_PMU_V3 is not set");
  private static final KvmException NO_GIC =
      KvmException.constant(
          Errno.EINVAL, "the VM has no GIC, so there are no interrupts to choose");
  private static final KvmException CREATED =
      KvmException.constant(Errno.EBUSY, "the vCPU's performance monitors are initialised already");
  private static final KvmException INTERRUPT_SET =
      KvmException.constant(Errno.EBUSY, "the performance monitors' interrupt is set already");
  private static final KvmException NO_INTERRUPT =
      KvmException.constant(Errno.ENXIO, "the performance monitors' interrupt is not set");
  private static final KvmException GIC_NOT_INITIALISED =
      KvmException.constant(Errno.ENODEV, "the GIC is not initialised: set CTRL/INIT first");
  private static final KvmException RAN =
      KvmException.constant(Errno.EBUSY, "the VM has run; set this before its first run");
  private static final KvmException TIMERS_RAN =
      KvmException.constant(Errno.EBUSY, "the vCPU has run; set its timers' interrupts before");
  private static final KvmException STEAL_TIME_SET =
      KvmException.constant(Errno.EEXIST, "the address of the stolen time is set already");

  private final ArmMachine machine;
  private final Vgic vgic;

  ArmAttributes(ArmMachine machine) {
    this.machine = machine;
    this.vgic = machine.vgic;
  }

  @Override
  public boolean owns(int group) {
    return group == MONITORS || group == TIMERS || group == STEAL_TIME;
  }

  @Override
  public void has(Vcpu vcpu, int group, long attr) throws KvmException {
    boolean there =
        switch (group) {
          case MONITORS ->
              machine.has(vcpu, ArmMachine.PMU_V3) && attr >= 0 && attr <= MONITORS_SET_PMU;
          case TIMERS -> attr == GenericTimers.VIRTUAL || attr == GenericTimers.PHYSICAL;
          default -> attr == 0;
        };
    if (!there) {
      throw NONE;
    }
  }

  @Override
  public void get(Vcpu vcpu, int group, long attr, UserMemory memory, long address)
      throws KvmException {
    switch (group) {
      case MONITORS -> memory.writeNumber(address, 4, monitorInterrupt(vcpu, attr));
      case TIMERS -> {
        has(vcpu, group, attr);
        memory.writeNumber(address, 4, vgic.timers.interrupt((int) attr));
      }
      default -> {
        has(vcpu, group, attr);
        memory.writeNumber(address, 8, machine.vcpu(vcpu).stealTime);
      }
    }
  }

  private int monitorInterrupt(Vcpu vcpu, long attr) throws KvmException {
    if (attr != MONITORS_IRQ) {
      throw NONE;
    }
    if (!vgic.exists()) {
      throw NO_GIC;
    }
    if (!machine.has(vcpu, ArmMachine.PMU_V3)) {
      throw NO_MONITORS;
    }
    int interrupt = machine.vcpu(vcpu).monitorInterrupt;
    if (interrupt == 0) {
      throw NO_INTERRUPT;
    }
    return interrupt;
  }

  @Override
  public void set(Vcpu vcpu, int group, long attr, UserMemory memory, long address)
      throws KvmException {
    switch (group) {
      case MONITORS -> setMonitors(vcpu, attr, memory, address);
      case TIMERS -> setTimer(vcpu, attr, memory, address);
      default -> {
        has(vcpu, group, attr);
        setStealTime(machine.vcpu(vcpu), memory.readNumber(address, 8));
      }
    }
  }

  // Performance monitors.

  private void setMonitors(Vcpu vcpu, long attr, UserMemory memory, long address)
      throws KvmException {
    if (!machine.has(vcpu, ArmMachine.PMU_V3)) {
      throw NO_MONITORS;
    }
    ArmVcpu own = machine.vcpu(vcpu);
    if (own.monitorsCreated) {
      throw CREATED;
    }
    if (attr == MONITORS_IRQ) {
      if (!vgic.exists()) {
        throw NO_GIC;
      }
      setMonitorInterrupt(own, (int) memory.readNumber(address, 4));
    } else if (attr == MONITORS_FILTER) {
      byte[] filter = new byte[8];
      memory.read(address, filter, 0, filter.length);
      filter(
          (int) memory.readNumber(address, 2),
          (int) memory.readNumber(address + 2, 2),
          (int) memory.readNumber(address + 4, 1));
    } else if (attr == MONITORS_SET_PMU) {
      choose(memory.readNumber(address, 4));
    } else if (attr == MONITORS_INIT) {
      createMonitors(vcpu, own);
    } else {
      throw NONE;
    }
  }

  private void setMonitorInterrupt(ArmVcpu own, int interrupt) throws KvmException {
    boolean isPrivate = interrupt >= Interrupt.SGIS && interrupt < Interrupt.PRIVATE;
    if (!isPrivate && (interrupt < Interrupt.PRIVATE || interrupt > LAST_SPI)) {
      throw new KvmException(Errno.EINVAL, "interrupt %d is neither a PPI nor an SPI", interrupt);
    }
    for (int index = 0; index < machine.machine().vcpuCount(); index++) {
      int other = machine.vcpu(machine.machine().vcpu(index)).monitorInterrupt;
      if (other != 0 && isPrivate != (other == interrupt)) {
        throw new KvmException(
            Errno.EINVAL,
            "interrupt %d: a PPI is the same for all vCPUs, an SPI is one vCPU's; one has %d",
            interrupt,
            other);
      }
    }
    if (own.monitorInterrupt != 0) {
      throw INTERRUPT_SET;
    }
    own.monitorInterrupt = interrupt;
  }

  private void filter(int first, int count, int action) throws KvmException {
    long events = machine.machine().host().number("pmu.events", 0);
    if (first + count > events || action > 1) {
      throw new KvmException(
          Errno.EINVAL, "%d events allowed (0) or denied (1) by %d: too many", count, action);
    }
    if (machine.machine().anyVcpuRan()) {
      throw RAN;
    }
    machine.monitorsChosen = true;
  }

  private void choose(long type) throws KvmException {
    if (!machine.machine().host().numbers("pmu.types").contains(type)) {
      throw new KvmException(Errno.ENXIO, "the host has no PMU of number %d", type);
    }
    if (machine.machine().anyVcpuRan()) {
      throw RAN;
    }
  }

  private void createMonitors(Vcpu vcpu, ArmVcpu own) throws KvmException {
    if (vgic.exists()) {
      if (!vgic.isInitialised()) {
        throw GIC_NOT_INITIALISED;
      }
      if (own.monitorInterrupt == 0) {
        throw NO_INTERRUPT;
      }
      Interrupt interrupt = vgic.interrupt(vgic.cpu(vcpu), own.monitorInterrupt);
      own(interrupt, own);
    }
    own.monitorsCreated = true;
  }

  private static void own(@Nullable Interrupt interrupt, ArmVcpu own) throws KvmException {
    if (interrupt == null) {
      throw new KvmException(
          Errno.EINVAL, "interrupt %d is none of the GIC's", own.monitorInterrupt);
    }
    interrupt.home.lockSettled();
    try {
      if (interrupt.owner != null && interrupt.owner != own) {
        throw new KvmException(
            Errno.EEXIST, "interrupt %d is another device's", own.monitorInterrupt);
      }
      interrupt.owner = own;
    } finally {
      interrupt.home.unlock();
    }
  }

  // Timers and stolen time.

  private void setTimer(Vcpu vcpu, long attr, UserMemory memory, long address) throws KvmException {
    if (!vgic.exists()) {
      throw NO_GIC;
    }
    int interrupt = (int) memory.readNumber(address, 4);
    if (interrupt < Interrupt.SGIS || interrupt >= Interrupt.PRIVATE) {
      throw new KvmException(Errno.EINVAL, "interrupt %d: a timer's is a PPI, 16 to 31", interrupt);
    }
    if (vgic.cpu(vcpu).timersEnabled) {
      throw TIMERS_RAN;
    }
    has(vcpu, TIMERS, attr);
    vgic.timers.interrupt((int) attr, interrupt);
  }

  private void setStealTime(ArmVcpu own, long address) throws KvmException {
    if (address % STEAL_TIME_ALIGNMENT != 0) {
      throw new KvmException(
          Errno.EINVAL, "stolen time at %#x: it is aligned to %d", address, STEAL_TIME_ALIGNMENT);
    }
    if (own.stealTime != ArmVcpu.NO_STEAL_TIME) {
      throw STEAL_TIME_SET;
    }
    if (!machine.machine().memory().isMapped(address)) {
      throw new KvmException(Errno.EINVAL, "stolen time at %#x: no memory is there", address);
    }
    own.stealTime = address;
  }
}
