package org.kvmdev.devices.vgic;

/**
 * The generic timers' interrupts, as far as a GIC knows of them: once a vCPU has run, the PPIs of
 * its virtual and its physical timer are the host's. Lines that a client drives into them are
 * ignored, and their level is the timer's output. No timer is modelled, so that output stays low.
 */
final class GenericTimers {
  /** The output of every timer. */
  static final boolean OUTPUT = false;

  /** The index of the virtual timer's interrupt. */
  static final int VIRTUAL = 0;

  /** The index of the physical timer's interrupt. */
  static final int PHYSICAL = 1;

  private final Vgic vgic;

  /** The PPIs; replaced, never changed. */
  private volatile int[] ppis;

  GenericTimers(Vgic vgic) {
    this.vgic = vgic;
    ppis = vgic.host.timerPpis;
  }

  /** The interrupt of a timer, of all vCPUs. */
  int interrupt(int timer) {
    return ppis[timer];
  }

  /** Chooses the interrupt of a timer, for all vCPUs. */
  synchronized void interrupt(int timer, int intid) {
    int[] next = ppis.clone();
    next[timer] = intid;
    ppis = next;
  }

  /** Whether a vCPU's timers can have their interrupts: two, and nobody else's. */
  boolean canHaveInterrupts(VgicCpu cpu) {
    int[] now = ppis;
    cpu.lockSettled();
    try {
      for (int intid : now) {
        Object owner = cpu.own[intid].owner;
        if (owner != null && owner != cpu) {
          return false;
        }
      }
    } finally {
      cpu.unlock();
    }
    return now[VIRTUAL] != now[PHYSICAL];
  }

  /** A vCPU is about to enter the guest: at its first time its timers take their PPIs. */
  void load(VgicCpu cpu) {
    boolean enable = !cpu.timersEnabled;
    for (int intid : ppis) {
      Interrupt irq = cpu.own[intid];
      if (enable) {
        cpu.lockSettled();
        irq.owner = cpu;
        irq.mapped = true;
        cpu.unlock();
      }
      if (irq.line != OUTPUT && vgic.cpuWithIdAsIndex(cpu) == cpu) {
        vgic.inject(irq, OUTPUT, cpu);
      }
    }
    cpu.timersEnabled = true;
  }

  /** KVM_ARM_VCPU_INIT, again: the timers and their interrupts are reset. */
  void reset(VgicCpu cpu) {
    if (!cpu.timersEnabled) {
      return;
    }
    for (int intid : ppis) {
      Interrupt irq = cpu.own[intid];
      if (irq.mapped) {
        cpu.lockSettled();
        irq.active = false;
        irq.latch = false;
        irq.line = false;
        if (irq.queued) {
          cpu.changed(irq);
        }
        cpu.unlock();
      }
    }
  }
}
