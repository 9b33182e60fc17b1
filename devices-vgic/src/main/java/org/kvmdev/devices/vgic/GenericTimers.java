package org.kvmdev.devices.vgic;

/**
 * The generic timers' interrupts, as far as a GIC knows of them: once a vCPU has run, the PPIs of
 * its virtual and its physical timer are the host's. Lines that a client drives into them are
 * ignored, and their level is the timer's output. No timer is modelled, so that output stays low.
 */
final class GenericTimers {
  /** The output of every timer. */
  static final boolean OUTPUT = false;

  private final Vgic vgic;

  GenericTimers(Vgic vgic) {
    this.vgic = vgic;
  }

  /** A vCPU is about to enter the guest: at its first time its timers take their PPIs. */
  void load(VgicCpu cpu) {
    boolean enable = !cpu.timersEnabled;
    for (int intid : vgic.host.timerPpis) {
      Interrupt irq = cpu.own[intid];
      if (enable) {
        cpu.lock();
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
    for (int intid : vgic.host.timerPpis) {
      Interrupt irq = cpu.own[intid];
      if (irq.mapped) {
        cpu.lock();
        irq.active = false;
        irq.latch = false;
        irq.line = false;
        if (irq.queued) {
          cpu.queue.changed(irq);
        }
        cpu.unlock();
      }
    }
  }
}
