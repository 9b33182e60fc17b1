package org.kvmdev.devices.vgic;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.machine.DeviceLock;
import org.kvmdev.api.machine.Vcpu;

/**
 * What the GIC has for one vCPU: its SGIs and PPIs, the queue of what is pending or active on it,
 * and its virtual CPU interface. An entry into the guest fills the list registers from the queue
 * ({@link #flush}); an exit takes what became of them back ({@link #fold}). Whatever makes an
 * interrupt pending while the vCPU is in the guest makes it leave and enter again.
 */
final class VgicCpu {
  /** The pin of IRQ. */
  static final int IRQ_PIN = 0;

  /** The pin of FIQ. */
  static final int FIQ_PIN = 1;

  final Vgic vgic;

  /** The vCPU; null for the home of interrupts that target none. */
  final @Nullable Vcpu vcpu;

  /** Its index, which is also its place in the order of locks; -1 without a vCPU. */
  final int index;

  final int id;
  final Interrupt[] own = new Interrupt[Interrupt.PRIVATE];
  final PendingQueue queue;
  final VirtualCpuInterface cpuInterface;
  final Redistributor redistributor;

  /** KVM_ARM_VCPU_INIT was done, so it can run and has its affinity. */
  volatile boolean initialised;

  /** The features that KVM_ARM_VCPU_INIT was given first. */
  int features;

  /** It ran once, so its timers have their interrupts. */
  boolean timersEnabled;

  /** ICC_CTLR_EL1.PRIbits plus one, as user space sees and lowers it. */
  int priorityBits;

  /** ICC_CTLR_EL1.IDbits, as user space sees and lowers it. */
  int idBitsField;

  /** The client's own lines into a CPU without an interrupt controller, by pin. */
  int lines;

  private final DeviceLock lock = new DeviceLock();
  private boolean inGuest;

  /** It left the guest for an access that is emulated, and comes back. */
  private boolean trapped;

  private int pins;

  /** The routing pins of level-sensitive SPIs that ended and that nobody was told of. */
  private final int[] ended;

  /** The interrupts that get list registers, and the registers that are free for them. */
  private final Interrupt[] chosen;

  private final ListRegister[] spare;

  private int endedCount;

  private @Nullable Interrupt moving;

  /** What a pin's listener threw. */
  private @Nullable RuntimeException fault;

  VgicCpu(Vgic vgic, @Nullable Vcpu vcpu) {
    this.vgic = vgic;
    this.vcpu = vcpu;
    this.index = vcpu == null ? -1 : vcpu.index();
    this.id = vcpu == null ? -1 : vcpu.id();
    queue = new PendingQueue(this);
    cpuInterface = vgic.host.newCpuInterface();
    ended = new int[cpuInterface.registers.length];
    chosen = new Interrupt[cpuInterface.registers.length];
    spare = new ListRegister[cpuInterface.registers.length];
    redistributor = new Redistributor(vgic, this);
    for (int intid = 0; intid < own.length; intid++) {
      Interrupt irq = new Interrupt(intid, this);
      irq.target = this;
      irq.edge = irq.isSgi();
      irq.enabled = irq.isSgi();
      own[intid] = irq;
    }
  }

  /** What initialising the GIC does. */
  void reset() {
    cpuInterface.reset();
    redistributor.reset();
    priorityBits = vgic.host.priorityBits;
    idBitsField = vgic.host.idBitsField;
  }

  /** Aff2, Aff1 and Aff0, as MPIDR_EL1 has them; 0 before KVM_ARM_VCPU_INIT. */
  int affinity() {
    return initialised ? Affinity.of(id) : 0;
  }

  void lock() {
    lock.lock();
  }

  /** Gives the lock back; then does what may not be done with it held. */
  void unlock() {
    if (endedCount == 0 && moving == null && fault == null) {
      lock.unlock();
    } else {
      unlockAndTell();
    }
  }

  private void unlockAndTell() {
    int count = endedCount;
    int pin = ended[0];
    int[] more = count > 1 ? Arrays.copyOf(ended, count) : ended;
    Interrupt chain = moving;
    RuntimeException thrown = fault;
    endedCount = 0;
    moving = null;
    fault = null;
    lock.unlock();
    vgic.moveHome(chain);
    if (count > 0) {
      vgic.machine.routing().acked(0, pin);
    }
    for (int i = 1; i < count; i++) {
      vgic.machine.routing().acked(0, more[i]);
    }
    if (thrown != null) {
      throw thrown;
    }
  }

  boolean isInGuest() {
    return inGuest;
  }

  /** The vCPU enters the guest. */
  void enter() {
    lock();
    cpuInterface.load();
    comeBack();
    trapped = false;
    inGuest = true;
    unlock();
  }

  /** The vCPU has left the guest. */
  void exit() {
    lock();
    inGuest = false;
    leave();
    unlock();
  }

  /**
   * The vCPU leaves the guest for an access that is emulated.
   *
   * @return whether it was in the guest, for {@link #resume}
   */
  boolean trap() {
    if (!inGuest) {
      return false;
    }
    lock();
    inGuest = false;
    trapped = true;
    leave();
    unlock();
    return true;
  }

  /** The vCPU goes on in the guest after an access that was emulated. */
  void resume(boolean wasInGuest) {
    if (wasInGuest) {
      lock();
      comeBack();
      trapped = false;
      inGuest = true;
      unlock();
    }
  }

  /** Nothing of an interrupt is in a list register any more. */
  private void leave() {
    fold(false);
    prune();
  }

  /** The list registers are filled, or filled anew. */
  private void comeBack() {
    if (cpuInterface.used != 0 || !queue.isEmpty()) {
      flush();
    }
    drivePins();
  }

  /**
   * If the vCPU is in the guest, it leaves it and enters again: what is in list registers and did
   * not change there stays. The lock is held.
   */
  void kick() {
    if (inGuest) {
      fold(!queue.mustBeChecked());
      prune();
      comeBack();
    }
  }

  /**
   * An interrupt became deliverable here. In the guest, the vCPU leaves it and enters again;
   * outside, the pin it would be signalled by goes high, so that whoever runs the vCPU enters. The
   * lock is held.
   */
  void notice(Interrupt irq) {
    if (inGuest) {
      kick();
    } else if (!trapped && !irq.active) {
      int signals = cpuInterface.signalFor(irq.priority, irq.group1);
      if ((pins & signals) != signals) {
        drivePins(pins | signals);
      }
    }
  }

  /**
   * If the vCPU is in the guest, it leaves it, so that nothing of an interrupt is in a list
   * register; {@link #kick} undoes that. The lock is held.
   */
  void pause() {
    if (inGuest) {
      leave();
    }
  }

  /** After the guest used its CPU interface: signals what it signals now. The lock is held. */
  void cpuInterfaceChanged() {
    if (cpuInterface.wantsMaintenance()) {
      kick();
    } else {
      drivePins();
    }
  }

  /** Takes all LPIs out of the queue; they stay pending. The lock is not held. */
  void removeLpis() {
    lock();
    pause();
    queue.removeLpis();
    kick();
    unlock();
  }

  private void prune() {
    Interrupt chain = queue.prune();
    if (chain != null) {
      Interrupt end = chain;
      while (end.next != null) {
        end = end.next;
      }
      end.next = moving;
      moving = chain;
    }
  }

  /** The client drives a line of a CPU that has no GIC. */
  void line(int pin, boolean high) {
    int bit = pin == IRQ_PIN ? VirtualCpuInterface.IRQ : VirtualCpuInterface.FIQ;
    lock();
    lines = high ? lines | bit : lines & ~bit;
    drivePins();
    unlock();
  }

  /** Drives the pins by the CPU interface and the client's own lines. */
  void drivePins() {
    drivePins(cpuInterface.signals() | lines);
  }

  private void drivePins(int now) {
    int changed = now ^ pins;
    if (changed != 0 && vcpu != null) {
      pins = now;
      try {
        if ((changed & VirtualCpuInterface.IRQ) != 0) {
          vcpu.pin(IRQ_PIN, (now & VirtualCpuInterface.IRQ) != 0);
        }
        if ((changed & VirtualCpuInterface.FIQ) != 0) {
          vcpu.pin(FIQ_PIN, (now & VirtualCpuInterface.FIQ) != 0);
        }
      } catch (RuntimeException thrown) {
        // A listener's mistake: its caller hears of it when the lock is back and all is consistent.
        fault = thrown;
      }
    }
  }

  /** Fills the list registers, the most urgent first if there are more interrupts. */
  private void flush() {
    if (queue.hasSeveralSources()) {
      flushSources();
      return;
    }
    ListRegister[] registers = cpuInterface.registers;
    if (queue.weight() > registers.length) {
      queue.sort();
    }
    int count = 0;
    boolean same = true;
    boolean more = false;
    for (Interrupt irq = queue.head(); irq != null; irq = queue.after(irq)) {
      if (irq.register != null || vgic.destination(irq) == this) {
        same &= irq.register == registers[count];
        irq.chosenAt = count;
        chosen[count++] = irq;
        if (count == registers.length) {
          more = queue.after(irq) != null;
          break;
        }
      }
    }
    if (!same || count != cpuInterface.used) {
      place(count);
    }
    cpuInterface.underflow = more;
  }

  /** The chosen interrupts get list registers, in their order; those that have one keep it. */
  private void place(int count) {
    ListRegister[] registers = cpuInterface.registers;
    int used = cpuInterface.used;
    int free = 0;
    for (int i = 0; i < registers.length; i++) {
      ListRegister register = registers[i];
      Interrupt irq = register.irq;
      if (i < used && irq != null) {
        if (irq.chosenAt < count && chosen[irq.chosenAt] == irq) {
          continue;
        }
        fold(register, irq);
      }
      spare[free++] = register;
    }
    for (int i = 0; i < count; i++) {
      Interrupt irq = chosen[i];
      ListRegister register = irq.register;
      if (register == null) {
        register = spare[--free];
        fill(register, irq);
      }
      registers[i] = register;
    }
    for (int i = count; i < registers.length; i++) {
      registers[i] = spare[--free];
    }
    cpuInterface.used = count;
  }

  /**
   * Fills the list registers while an SGI is pending from several sources: each takes a list
   * register of its own turn, and all are seen before anything less urgent.
   */
  private void flushSources() {
    fold(false);
    queue.sort();
    ListRegister[] registers = cpuInterface.registers;
    int used = 0;
    int lowest = 0xff;
    boolean more = false;
    for (Interrupt irq = queue.head(); irq != null; irq = queue.after(irq)) {
      if (irq.priority > lowest) {
        break;
      }
      if (vgic.destination(irq) == this) {
        fill(registers[used++], irq);
        if (irq.sources != 0) {
          lowest = irq.priority;
        }
      }
      if (used == registers.length) {
        more = queue.after(irq) != null;
        break;
      }
    }
    cpuInterface.used = used;
    cpuInterface.underflow = more;
  }

  private void fill(ListRegister register, Interrupt irq) {
    boolean takesPending = true;
    register.irq = irq;
    irq.register = register;
    register.changed = false;
    register.intid = irq.intid;
    register.priority = irq.priority;
    register.group1 = irq.group1;
    register.source = 0;
    register.active = irq.active;
    register.pending = false;
    register.hardware = irq.mapped;
    register.endInterrupt = false;
    if (irq.active) {
      register.source = irq.activeSource;
      if (irq.listRegisters() > 1) {
        takesPending = false;
        register.endInterrupt = true;
      }
    }
    if (irq.mapped) {
      takesPending &= !irq.active;
    } else if (!irq.edge) {
      register.endInterrupt = true;
      takesPending &= !irq.active;
    }
    if (takesPending && irq.isPending()) {
      takePending(register, irq);
    }
    register.filledPending = register.pending;
  }

  private void takePending(ListRegister register, Interrupt irq) {
    register.pending = true;
    if (irq.edge) {
      irq.latch = false;
    }
    if (irq.isSgi() && vgic.isV2()) {
      if (irq.sources == 0) {
        // Pending without a source, which nothing can make: the list register stays empty.
        register.pending = false;
        register.changed = true;
        return;
      }
      int source = Integer.numberOfTrailingZeros(irq.sources);
      register.source = source;
      irq.sources &= ~(1 << source);
      if (irq.sources != 0) {
        irq.latch = true;
        register.endInterrupt = true;
      }
    }
    if (irq.mapped && !irq.edge) {
      // Only rising edges of the host's line are seen.
      irq.line = false;
    }
  }

  /**
   * Takes back what became of the interrupts in the list registers.
   *
   * @param changedOnly leaves those that are as they were filled, since they would be filled so
   *     again
   */
  private void fold(boolean changedOnly) {
    VirtualCpuInterface hardware = cpuInterface;
    int used = hardware.used;
    for (int i = 0; i < used; i++) {
      ListRegister register = hardware.registers[i];
      Interrupt irq = register.irq;
      if (irq != null && !(changedOnly && register.isAsFilled(irq.active))) {
        fold(register, irq);
      }
    }
    if (!changedOnly) {
      hardware.used = 0;
      hardware.underflow = false;
    }
  }

  private void fold(ListRegister register, Interrupt irq) {
    register.irq = null;
    irq.register = null;
    if (register.signalsEnd() && irq.isSpi()) {
      ended[endedCount++] = irq.intid - Interrupt.PRIVATE;
    }
    boolean deactivated = irq.active && !register.active;
    irq.active = register.active;
    if (irq.active && irq.isSgi()) {
      irq.activeSource = register.source;
    }
    if (irq.edge && register.pending) {
      irq.latch = true;
      if (irq.isSgi() && vgic.isV2()) {
        irq.sources |= 1 << register.source;
      }
    }
    if (!irq.edge && register.isInvalid()) {
      irq.latch = false;
    }
    if (irq.mapped && !irq.edge && (register.pending || deactivated && irq.line)) {
      irq.line = GenericTimers.OUTPUT;
    }
    register.pending = false;
    register.active = false;
    register.endInterrupt = false;
    if (irq.queuedOn == this) {
      queue.changed(irq);
    }
  }
}
