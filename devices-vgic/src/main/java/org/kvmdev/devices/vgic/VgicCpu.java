package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.machine.DeviceLock;
import org.kvmdev.api.machine.Vcpu;

/**
 * What the GIC has for one vCPU: its SGIs and PPIs, the queue of what is pending or active on it,
 * and its virtual CPU interface. An entry into the guest fills the {@link ListRegisters} from the
 * queue; an exit takes back what became of them. Whatever makes an interrupt pending while the vCPU
 * is in the guest makes it leave and enter again.
 *
 * <p>It is its own lock, which saves each access the way to another object.
 */
final class VgicCpu extends DeviceLock {
  /** The pin of IRQ. */
  static final int IRQ_PIN = 0;

  /** The pin of FIQ. */
  static final int FIQ_PIN = 1;

  private static final int[] NO_MORE = {};

  final Vgic vgic;

  /** The vCPU; null for the home of interrupts that target none. */
  final @Nullable Vcpu vcpu;

  /** Its index, which is also its place in the order of locks; -1 without a vCPU. */
  final int index;

  final int id;
  final Interrupt[] own = new Interrupt[Interrupt.PRIVATE];
  final InterruptBank bank;
  final PendingQueue queue;
  final VirtualCpuInterface cpuInterface;
  final ListRegisters listRegisters;
  final Redistributor redistributor;

  /** KVM_ARM_VCPU_INIT was done, so it can run and has its affinity. */
  volatile boolean initialised;

  /** It ran once, so its timers have their interrupts. */
  boolean timersEnabled;

  /** ICC_CTLR_EL1.PRIbits plus one, as user space sees and lowers it. */
  int priorityBits;

  /** ICC_CTLR_EL1.IDbits, as user space sees and lowers it. */
  int idBitsField;

  /** The client's own lines into a CPU without an interrupt controller, by pin. */
  int lines;

  private boolean inGuest;

  /** It left the guest for an access that is emulated, and comes back. */
  private boolean trapped;

  private int pins;

  /**
   * The list register of a PPI whose end makes the vCPU leave the guest and enter again. That is
   * put off until somebody takes the lock: mostly it is the line that rises again, and all of it
   * can be left undone. {@link ListRegisters#NONE} where nothing is put off.
   */
  private int resting = ListRegisters.NONE;

  /** Interrupts that are in no queue any more, to be moved home when the lock is back. */
  private @Nullable Interrupt moving;

  /** What a pin's listener threw. */
  private @Nullable RuntimeException fault;

  /** Something is to be done or told when the lock is back. */
  private boolean tells;

  VgicCpu(Vgic vgic, @Nullable Vcpu vcpu) {
    this.vgic = vgic;
    this.vcpu = vcpu;
    this.index = vcpu == null ? -1 : vcpu.index();
    this.id = vcpu == null ? -1 : vcpu.id();
    cpuInterface = vgic.host.newCpuInterface();
    queue = new PendingQueue(this, cpuInterface.registers.length);
    listRegisters = new ListRegisters(this, cpuInterface, queue);
    redistributor = new Redistributor(vgic, this);
    for (int intid = 0; intid < own.length; intid++) {
      Interrupt irq = new Interrupt(intid, this);
      irq.target = this;
      irq.edge = irq.isSgi();
      irq.enabled = irq.isSgi();
      own[intid] = irq;
    }
    bank = new InterruptBank(own);
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

  /**
   * Takes the lock, and does what was put off. {@link #lock} alone is for {@link #wakes}, after
   * which comes {@link #settle}.
   */
  void lockSettled() {
    lock();
    settle();
  }

  /** Does what was put off. The lock is held. */
  void settle() {
    if (resting != ListRegisters.NONE) {
      resting = ListRegisters.NONE;
      kick();
    }
  }

  /**
   * The client's line of a PPI rises. Where that rests and can be delivered, it is as if it had
   * never ended; no other vCPU, and nothing of this one, knows that it had. The lock is held.
   *
   * @return false where it does not rest, with nothing done
   */
  boolean wakes(Interrupt irq) {
    int register = irq.register;
    if (register != resting
        || register == ListRegisters.NONE
        || !irq.enabled
        || !vgic.isEnabled()
        || irq.owner != null) {
      return false;
    }
    resting = ListRegisters.NONE;
    irq.line = true;
    listRegisters.wakes(irq);
    drivePins();
    return true;
  }

  /** Gives the lock back; then does what may not be done with it held. */
  @Override
  public void unlock() {
    if (tells) {
      unlockAndTell();
    } else {
      super.unlock();
    }
  }

  /** Whether giving the lock back does more than that. */
  boolean hasToTell() {
    return tells;
  }

  /** Interrupts ended, which is told when the lock is back. */
  void tell() {
    tells = true;
  }

  private void unlockAndTell() {
    int count = listRegisters.endedCount();
    int pin = listRegisters.ended(0);
    int[] more = count > 1 ? new int[count] : NO_MORE;
    for (int i = 1; i < count; i++) {
      more[i] = listRegisters.ended(i);
    }
    Interrupt chain = moving;
    RuntimeException thrown = fault;
    listRegisters.forgetEnded();
    moving = null;
    fault = null;
    tells = false;
    super.unlock();
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
    lockSettled();
    cpuInterface.load();
    comeBack();
    trapped = false;
    inGuest = true;
    unlock();
  }

  /** The vCPU has left the guest. */
  void exit() {
    lockSettled();
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
    lockSettled();
    inGuest = false;
    trapped = true;
    leave();
    unlock();
    return true;
  }

  /** The vCPU goes on in the guest after an access that was emulated. */
  void resume(boolean wasInGuest) {
    if (wasInGuest) {
      lockSettled();
      comeBack();
      trapped = false;
      inGuest = true;
      unlock();
    }
  }

  /**
   * The vCPU sends itself an SGI, for which it leaves the guest and comes back.
   *
   * @param irq the SGI
   * @param sources the source, as {@link Interrupt#sources} has it
   */
  void sendToItself(Interrupt irq, int sources) {
    lockSettled();
    if (!sendAgain(irq, sources)) {
      if (inGuest) {
        listRegisters.foldChanged();
        prune();
        if (tells) {
          unlock();
          lockSettled();
        }
      }
      irq.latch = true;
      irq.sources |= sources;
      vgic.queue(irq);
      if (!isDestination(irq)) {
        kick();
      }
    }
    unlock();
  }

  /** Where an SGI ended and would come last again, it takes the list register that it had. */
  private boolean sendAgain(Interrupt irq, int sources) {
    if (irq.register == ListRegisters.NONE
        || irq.latch
        || !irq.enabled
        || !vgic.isEnabled()
        || !queue.isLast(irq)) {
      return false;
    }
    irq.latch = true;
    irq.sources |= sources;
    if (pendsAgain(irq)) {
      return true;
    }
    irq.latch = false;
    irq.sources &= ~sources;
    return false;
  }

  /** Nothing of an interrupt is in a list register any more. */
  private void leave() {
    listRegisters.foldAll();
    prune();
  }

  /** The list registers are filled, or filled anew. */
  private void comeBack() {
    if (queue.isEmpty()) {
      drivePins(lines);
    } else {
      listRegisters.flush();
      drivePins();
    }
  }

  /**
   * If the vCPU is in the guest, it leaves it and enters again: what is in list registers and did
   * not change there stays. The lock is held.
   */
  void kick() {
    if (inGuest) {
      listRegisters.renew();
      drivePins();
    }
  }

  /**
   * An interrupt in the queue became deliverable here, and takes the list register again that it
   * had, for which nothing else need be done. The lock is held.
   *
   * @return false where it is not as simple as that, with nothing done
   */
  boolean pendsAgain(Interrupt irq) {
    if (irq.register == ListRegisters.NONE || !listRegisters.pendsAgain(irq)) {
      return false;
    }
    drivePins();
    return true;
  }

  /** An interrupt that became deliverable here joins the queue. The lock is held. */
  void admit(Interrupt irq) {
    if (!inGuest) {
      admitOutside(irq);
    } else if (!listRegisters.areFull() && listRegisters.joins(irq) || listRegisters.admit(irq)) {
      drivePins();
    }
  }

  private void admitOutside(Interrupt irq) {
    queue.add(irq);
    noticeOutside(irq);
  }

  /** Takes note that something of an interrupt in the queue changed. The lock is held. */
  void changed(Interrupt irq) {
    if (irq.register != ListRegisters.NONE) {
      // What it comes to is looked at when it leaves the list register.
      listRegisters.changed(irq);
    } else {
      queue.changed(irq);
    }
  }

  /**
   * An interrupt in the queue became deliverable here. In the guest, the vCPU leaves it and enters
   * again; outside, the pin it would be signalled by goes high, so that whoever runs the vCPU
   * enters. The lock is held.
   */
  void notice(Interrupt irq) {
    if (inGuest) {
      kick();
    } else {
      noticeOutside(irq);
    }
  }

  private void noticeOutside(Interrupt irq) {
    if (!trapped && !irq.active) {
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
      maintain();
    } else {
      drivePins();
    }
  }

  /**
   * A maintenance interrupt: the vCPU leaves the guest and enters again, now or when it matters.
   */
  private void maintain() {
    if (inGuest) {
      resting = listRegisters.rest();
      if (resting == ListRegisters.NONE) {
        listRegisters.renew();
      }
      drivePins();
    }
  }

  /** After the guest acknowledged an interrupt, which nothing else preempts. The lock is held. */
  void acknowledged() {
    if (cpuInterface.wantsMaintenance()) {
      kick();
    } else {
      drivePins(lines);
    }
  }

  /** Takes all LPIs out of the queue; they stay pending. The lock is not held. */
  void removeLpis() {
    lockSettled();
    pause();
    moveOut(queue.removeLpis());
    kick();
    unlock();
  }

  /** Whether an interrupt is to be delivered here. */
  boolean isDestination(Interrupt irq) {
    return vgic.destination(irq) == this;
  }

  /** Takes out of the queue what need not be there any more. The lock is held. */
  void prune() {
    if (!queue.mayBePruned()) {
      return;
    }
    moveOut(queue.prune());
  }

  /** Those that left the queue for other vCPUs go there when the lock is given back. */
  private void moveOut(@Nullable Interrupt chain) {
    if (chain != null) {
      Interrupt end = chain;
      while (end.next != null) {
        end = end.next;
      }
      end.next = moving;
      moving = chain;
      tells = true;
    }
  }

  /** The client drives a line of a CPU that has no GIC. */
  void line(int pin, boolean high) {
    int bit = pin == IRQ_PIN ? VirtualCpuInterface.IRQ : VirtualCpuInterface.FIQ;
    lockSettled();
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
    if (changed != 0) {
      drivePins(now, changed);
    }
  }

  private void drivePins(int now, int changed) {
    if (vcpu != null) {
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
        tells = true;
      }
    }
  }
}
