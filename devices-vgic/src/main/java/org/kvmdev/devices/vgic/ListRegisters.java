package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;

/**
 * What fills the list registers of a vCPU's virtual CPU interface and takes back what became of
 * them: the hypervisor's part of an entry into the guest ({@link #flush}) and of an exit from it
 * ({@link #foldAll}). Where both follow each other at once, because something changed while the
 * guest runs, {@link #renew} comes to the same and touches only what changed.
 *
 * <p>The list registers are in the order of the queue, from which they are filled. Guarded by the
 * lock of the vCPU.
 */
final class ListRegisters {
  /** An interrupt is in no list register. */
  static final int NONE = -1;

  private final VgicCpu cpu;
  private final VirtualCpuInterface hardware;
  private final PendingQueue queue;

  /** The interrupt in each. */
  private final @Nullable Interrupt[] interrupts;

  /** A bit for each of whose interrupt something was changed since it was filled. */
  private int stale;

  private final int length;

  /** The interrupts that get list registers, in their order. */
  private final Interrupt[] chosen;

  /** Where list registers are put in another order. */
  private long[] spare;

  /** The state of the queue's order that they were filled from. */
  private long filledFrom;

  /** The routing pins of level-sensitive SPIs that ended and that nobody was told of. */
  private final int[] ended;

  private int endedCount;

  /**
   * The last list register, instead of the first, has the most urgent interrupt, which came when
   * all were filled. Which has it makes no difference to the guest, as no other is of its priority;
   * whatever looks at their order calls {@link #straighten} before.
   */
  private boolean urgentIsLast;

  ListRegisters(VgicCpu cpu, VirtualCpuInterface hardware, PendingQueue queue) {
    this.cpu = cpu;
    this.hardware = hardware;
    this.queue = queue;
    int count = hardware.registers.length;
    interrupts = new Interrupt[count];
    length = count;
    chosen = new Interrupt[count];
    spare = new long[count];
    ended = new int[count];
  }

  /** How many SPIs ended that nobody was told of. */
  int endedCount() {
    return endedCount;
  }

  /** The routing pin of one that ended. */
  int ended(int index) {
    return ended[index];
  }

  /** Forgets those that ended, who are told of. */
  void forgetEnded() {
    endedCount = 0;
  }

  /** Takes note that something of an interrupt in a list register was changed. */
  void changed(Interrupt irq) {
    stale |= 1 << irq.register;
  }

  /** Takes all interrupts out, with what became of them. */
  void foldAll() {
    straighten();
    int used = hardware.used;
    for (int i = 0; i < used; i++) {
      fold(i);
    }
    hardware.empty();
    stale = 0;
  }

  /** Does what taking all out and filling again would, in the guest. */
  void renew() {
    if (!leaves() && !returns()) {
      renewAny();
    }
  }

  private void renewAny() {
    if (queue.mustBeChecked()) {
      foldAll();
      cpu.prune();
      flush();
      return;
    }
    foldChanged();
    cpu.prune();
    fillMissing(null);
  }

  /**
   * Does what {@link #renew} would where an edge can be delivered again whose list register has
   * ended, nothing else changed, and it keeps its place: it takes the same list register again.
   *
   * @return false where that is not so, with nothing done
   */
  boolean pendsAgain(Interrupt irq) {
    int index = irq.register;
    int sources = irq.sources;
    if (((hardware.changed | stale) & ~(1 << index)) != 0
        || !irq.edge
        || irq.mapped
        || irq.target != cpu
        || (sources & sources - 1 | irq.extraRegisters) != 0
        || !ListRegister.isEnded(hardware.registers[index])
        || queue.mayBePruned()
        || !keepsPlace(irq)) {
      return false;
    }
    long register = ListRegister.pending(irq.intid, irq.priority, irq.group1);
    if (irq.isSgi() && cpu.vgic.isV2()) {
      if (sources == 0) {
        return false;
      }
      register |= ListRegister.fromSource(Integer.numberOfTrailingZeros(sources));
      irq.sources = 0;
    }
    irq.latch = false;
    irq.active = false;
    irq.filledPending = true;
    stale = 0;
    hardware.pendsAgain(index, register);
    return true;
  }

  /** Whether all are filled. */
  boolean areFull() {
    return hardware.used == length;
  }

  /**
   * Does what {@link #admit} would where nothing changed and each has a list register, of which
   * {@link #areFull not all} are filled: the new one takes the next.
   *
   * @return false where that is not so, with nothing done
   */
  boolean joins(Interrupt irq) {
    int index = hardware.used;
    if ((hardware.changed | stale) != 0
        || !queue.isRowOf(index)
        || irq.isSgi() && cpu.vgic.isV2()
        || irq.mapped
        || irq.active
        || queue.mayBePruned()) {
      return false;
    }
    queue.addToRow(irq);
    hardware.used = index + 1;
    fillPending(index, irq);
    return true;
  }

  /**
   * Does what {@link #renew} would where nothing changed but the last list register, each has one,
   * and its interrupt ended.
   *
   * @return false where that is not so, with nothing done
   */
  private boolean leaves() {
    int index = hardware.used - 1;
    if ((hardware.changed | stale) != 1 << index || !queue.isRowOf(index + 1)) {
      return false;
    }
    Interrupt irq = interrupts[index];
    long register = hardware.registers[index];
    if (!hasEnded(irq, register)) {
      return false;
    }
    end(irq, register);
    queue.removeFromRowsEnd(irq);
    stale = 0;
    hardware.used = index;
    hardware.settled();
    return true;
  }

  /** Whether an interrupt, whose list register changed, has ended and leaves the queue. */
  private boolean hasEnded(Interrupt irq, long register) {
    return ListRegister.isInvalid(register)
        && !(irq.edge ? irq.latch : irq.line)
        && !irq.mapped
        && irq.target == cpu
        && irq.extraRegisters == 0
        && !queue.mayBePruned();
  }

  /** Takes back that an interrupt ended and pends no more. */
  private void end(Interrupt irq, long register) {
    noteEnd(irq, register);
    irq.latch = false;
    irq.active = false;
    irq.filledPending = false;
    irq.register = NONE;
  }

  /**
   * A PPI has ended, nothing else changed, and {@link #renew} would do nothing but take it out of
   * the queue. That can be put off until somebody looks; or it pends again before, and {@link
   * #wakes}.
   *
   * @return its list register; {@link #NONE} where it is not as simple as that, with nothing done
   */
  int rest() {
    int index = (urgentIsLast ? length : hardware.used) - 1;
    int bit = 1 << index;
    if ((hardware.changed | stale) != bit || hardware.ended != bit) {
      return NONE;
    }
    Interrupt irq = interrupts[index];
    if (!irq.isPpi()
        || irq.line
        || queue.mayBePruned()
        || !(urgentIsLast ? canReturn() : queue.isRowOf(index + 1))) {
      return NONE;
    }
    // The one thing that others look at without the lock (ISPENDR).
    irq.latch = false;
    return index;
  }

  /**
   * Whether what waits for the last list register would do nothing in it yet: what is in the others
   * is before it.
   */
  private boolean canReturn() {
    return hardware.highest() >= 0 && queue.isRankedFrom(length + 2, filledFrom);
  }

  /** The PPI that {@link #rest rests} pends again, in its list register. */
  void wakes(Interrupt irq) {
    long register = ListRegister.pending(irq.intid, irq.priority, irq.group1);
    irq.active = false;
    irq.filledPending = true;
    stale = 0;
    hardware.ended = 0;
    hardware.pendsAgain(irq.register, register | ListRegister.END_INTERRUPT);
  }

  /**
   * A new interrupt that is more urgent than all that have a list register has the last of them.
   */
  private void preempt(Interrupt irq) {
    // Nothing of it changed, so neither did its place in the queue.
    int index = length - 1;
    takeBack(interrupts[index], hardware.registers[index]);
    await(irq);
    fillPending(index, irq);
    urgentIsLast = true;
  }

  /** A new interrupt waits for a list register, all of which are filled. */
  private void await(Interrupt irq) {
    queue.addRanked(irq);
    filledFrom++;
    hardware.underflow = true;
  }

  /**
   * Whether nothing changed, all list registers are filled, in the order of the queue, and a new
   * interrupt is one that can only wait or preempt.
   */
  private boolean isFullFor(Interrupt irq) {
    return (hardware.changed | stale) == 0
        && !urgentIsLast
        && areFull()
        && queue.isRankedFrom(length, filledFrom)
        && !irq.mapped
        && !irq.active
        && irq.sources == 0
        && !queue.mayBePruned();
  }

  /**
   * Does what {@link #renew} would where nothing changed but the list register of an interrupt that
   * {@link #preempt preempted} another, and it ended: the other has its place again.
   *
   * @return false where that is not so, with nothing done
   */
  private boolean returns() {
    int index = length - 1;
    if (!urgentIsLast
        || (hardware.changed | stale) != 1 << index
        || !queue.isRankedFrom(length + 2, filledFrom)) {
      return false;
    }
    Interrupt irq = interrupts[index];
    long register = hardware.registers[index];
    Interrupt next = queue.after(interrupts[index - 1]);
    if (!hasEnded(irq, register) || next == null || !cpu.isDestination(next)) {
      return false;
    }
    end(irq, register);
    queue.removeRanked(irq);
    filledFrom++;
    stale = 0;
    hardware.settled();
    fill(index, next);
    hardware.underflow = queue.after(next) != null;
    urgentIsLast = false;
    return true;
  }

  /** Puts the list registers in the order of the queue. */
  private void straighten() {
    if (urgentIsLast) {
      urgentIsLast = false;
      Interrupt last = interrupts[length - 1];
      System.arraycopy(interrupts, 0, interrupts, 1, length - 1);
      interrupts[0] = last;
      for (int i = 0; i < length; i++) {
        interrupts[i].register = i;
      }
      stale = hardware.rotated(stale);
      hardware.rotate();
    }
  }

  /** Whether the list registers stay as they are where an interrupt that has one pends again. */
  private boolean keepsPlace(Interrupt irq) {
    if (queue.hasSeveralSources()) {
      return false;
    }
    if (queue.isRow()) {
      return hardware.used == queue.size();
    }
    return queue.isSorted()
        && queue.order() == filledFrom
        && queue.weight() > length
        && areFull()
        && irq.list == RankedQueue.deliverable(irq);
  }

  /**
   * Puts a new interrupt into the queue, and does what {@link #renew} does. Whether it {@link
   * #joins} is asked before.
   *
   * @return whether any list register changed
   */
  boolean admit(Interrupt irq) {
    boolean full = isFullFor(irq);
    int rank = RankedQueue.deliverable(irq);
    if (full && rank >= interrupts[length - 1].list) {
      await(irq);
      return false;
    }
    if (full && rank < interrupts[0].list && length > 1) {
      preempt(irq);
    } else {
      admitAny(irq);
    }
    return true;
  }

  private void admitAny(Interrupt irq) {
    if (queue.mustBeChecked()) {
      queue.add(irq);
      renew();
      return;
    }
    foldChanged();
    cpu.prune();
    queue.addInOrder(irq);
    fillMissing(irq);
  }

  /**
   * Takes out those that changed, and puts those back at once that stay, in their place: it does
   * not depend on anything else what they are filled with.
   */
  void foldChanged() {
    straighten();
    int changed = hardware.changed | stale;
    if (changed == 0) {
      return;
    }
    hardware.settled();
    stale = 0;
    int used = hardware.used;
    int kept = Integer.numberOfTrailingZeros(changed);
    for (int i = kept; i < used; i++) {
      if ((changed >>> i & 1) == 0) {
        move(i, kept++);
        continue;
      }
      Interrupt irq = interrupts[i];
      hardware.drop(i);
      if (fold(i)) {
        fill(kept++, irq);
      } else {
        // That it left changed the order, but nothing of that of the others.
        filledFrom += irq.queued ? 0 : 1;
      }
    }
    hardware.used = kept;
  }

  private void move(int from, int to) {
    if (from != to) {
      Interrupt irq = interrupts[from];
      irq.register = to;
      interrupts[to] = irq;
      hardware.move(from, to);
    }
  }

  /**
   * Fills list registers with what the queue has, where those that are filled did not change.
   *
   * @param newest what came just now; null where nothing did
   */
  private void fillMissing(@Nullable Interrupt newest) {
    if (queue.hasSeveralSources()) {
      flushSources();
    } else if (queue.isRow()) {
      fillRow(newest);
    } else if (queue.isSorted() && queue.weight() > length) {
      fillRanked(newest);
    } else {
      flush();
    }
  }

  /** The same where each interrupt can have a list register. */
  private void fillRow(@Nullable Interrupt newest) {
    int used = hardware.used;
    int missing = queue.size() - used;
    if (missing == 0) {
      hardware.underflow = false;
    } else if (missing == 1 && newest != null) {
      fill(used, newest);
      hardware.used = used + 1;
      hardware.underflow = false;
    } else {
      flush();
    }
  }

  /** The same where there are more interrupts than list registers, in order. */
  private void fillRanked(@Nullable Interrupt newest) {
    if (queue.order() != filledFrom + (newest == null ? 0 : 1)) {
      flush();
      return;
    }
    if (newest != null) {
      insert(newest);
      filledFrom++;
    }
    fillRest();
  }

  /** Fills the list registers that are free with what follows in the queue. */
  private void fillRest() {
    int used = hardware.used;
    if (used == length) {
      return;
    }
    Interrupt irq = used == 0 ? queue.first() : queue.after(interrupts[used - 1]);
    while (irq != null && used < length) {
      if (cpu.isDestination(irq)) {
        fill(used++, irq);
      }
      irq = queue.after(irq);
    }
    hardware.used = used;
    hardware.underflow = irq != null;
  }

  /** A new interrupt takes its place, if that is among the list registers; the last gives way. */
  private void insert(Interrupt irq) {
    int used = hardware.used;
    int place = used;
    while (place > 0 && interrupts[place - 1].list > irq.list) {
      place--;
    }
    if (place == used) {
      return;
    }
    if (used == length) {
      // Nothing of it changed, so neither did its place in the queue.
      used--;
      takeBack(interrupts[used], hardware.registers[used]);
      hardware.drop(used);
      hardware.underflow = true;
    }
    for (int i = used; i > place; i--) {
      move(i - 1, i);
    }
    fill(place, irq);
    hardware.used = used + 1;
  }

  /** Fills the list registers, the most urgent first if there are more interrupts. */
  void flush() {
    queue.line();
    if (queue.hasSeveralSources()) {
      flushSources();
      return;
    }
    if (queue.weight() > length) {
      queue.sort();
    }
    if (hardware.used == 0) {
      fillAll();
    } else {
      rearrange();
    }
    filledFrom = queue.order();
  }

  private void fillAll() {
    int used = 0;
    boolean more = false;
    for (Interrupt irq = queue.first(); irq != null; irq = queue.after(irq)) {
      if (cpu.isDestination(irq)) {
        fill(used++, irq);
        if (used == length) {
          more = queue.after(irq) != null;
          break;
        }
      }
    }
    hardware.used = used;
    hardware.underflow = more;
  }

  private void rearrange() {
    int count = 0;
    boolean same = true;
    boolean more = false;
    for (Interrupt irq = queue.first(); irq != null; irq = queue.after(irq)) {
      if (irq.register != NONE || cpu.isDestination(irq)) {
        same &= irq.register == count;
        irq.chosenAt = count;
        chosen[count++] = irq;
        if (count == length) {
          more = queue.after(irq) != null;
          break;
        }
      }
    }
    if (!same || count != hardware.used) {
      place(count);
    }
    hardware.underflow = more;
  }

  /** The chosen interrupts get list registers, in their order; those that have one keep it. */
  private void place(int count) {
    int used = hardware.used;
    for (int i = 0; i < used; i++) {
      Interrupt irq = interrupts[i];
      if (irq.chosenAt >= count || chosen[irq.chosenAt] != irq) {
        fold(i);
      }
    }
    long[] registers = hardware.registers;
    for (int i = 0; i < count; i++) {
      int before = chosen[i].register;
      if (before != NONE) {
        spare[i] = registers[before];
      }
    }
    hardware.registers = spare;
    hardware.reconsider();
    spare = registers;
    stale = 0;
    for (int i = 0; i < count; i++) {
      Interrupt irq = chosen[i];
      if (irq.register == NONE) {
        fill(i, irq);
      } else {
        irq.register = i;
        interrupts[i] = irq;
      }
    }
    hardware.used = count;
  }

  /**
   * Fills the list registers while an SGI is pending from several sources: each takes a list
   * register of its own turn, and all are seen before anything less urgent.
   */
  private void flushSources() {
    foldAll();
    queue.sort();
    int used = 0;
    int lowest = 0xff;
    boolean more = false;
    for (Interrupt irq = queue.first(); irq != null; irq = queue.after(irq)) {
      if (irq.priority > lowest) {
        break;
      }
      if (cpu.isDestination(irq)) {
        fill(used++, irq);
        if (irq.sources != 0) {
          lowest = irq.priority;
        }
      }
      if (used == length) {
        more = queue.after(irq) != null;
        break;
      }
    }
    hardware.used = used;
    hardware.underflow = more;
  }

  private void fill(int index, Interrupt irq) {
    long register = ListRegister.of(irq.intid, irq.priority, irq.group1);
    boolean takesPending = true;
    if (irq.active) {
      register |= ListRegister.ACTIVE | ListRegister.fromSource(irq.activeSource);
      if (irq.listRegisters() > 1) {
        takesPending = false;
        register |= ListRegister.END_INTERRUPT;
      }
    }
    if (irq.mapped) {
      register |= ListRegister.HARDWARE;
      takesPending &= !irq.active;
    } else if (!irq.edge) {
      register |= ListRegister.END_INTERRUPT;
      takesPending &= !irq.active;
    }
    if (takesPending && irq.isPending()) {
      register = takePending(register, irq, index);
    }
    if (!ListRegister.isInvalid(register)) {
      hardware.valid++;
    }
    irq.filledPending = ListRegister.isPending(register);
    hold(index, irq);
    hardware.fill(index, register);
  }

  /** The same with an interrupt that is pending alone, from no source, and not mapped. */
  private void fillPending(int index, Interrupt irq) {
    long register = ListRegister.pending(irq.intid, irq.priority, irq.group1);
    if (irq.edge) {
      irq.latch = false;
    } else {
      register |= ListRegister.END_INTERRUPT;
    }
    irq.filledPending = true;
    hold(index, irq);
    hardware.valid++;
    hardware.fill(index, register);
  }

  /** A list register is an interrupt's from now on. */
  private void hold(int index, Interrupt irq) {
    irq.register = index;
    // Mostly it is the same again.
    if (interrupts[index] != irq) {
      interrupts[index] = irq;
    }
  }

  private long takePending(long register, Interrupt irq, int index) {
    long pending = register | ListRegister.PENDING;
    if (irq.edge) {
      irq.latch = false;
    }
    if (irq.isSgi() && cpu.vgic.isV2()) {
      if (irq.sources == 0) {
        // Pending without a source, which nothing can make: the list register stays empty.
        stale |= 1 << index;
        return register;
      }
      int source = Integer.numberOfTrailingZeros(irq.sources);
      pending |= ListRegister.fromSource(source);
      irq.sources &= ~(1 << source);
      if (irq.sources != 0) {
        irq.latch = true;
        pending |= ListRegister.END_INTERRUPT;
      }
    }
    if (irq.mapped && !irq.edge) {
      // Only rising edges of the host's line are seen.
      irq.line = false;
    }
    return pending;
  }

  /**
   * Takes back what became of the interrupt in a list register.
   *
   * @return whether it stays in the queue, as it can be delivered here
   */
  private boolean fold(int index) {
    Interrupt irq = interrupts[index];
    long register = hardware.registers[index];
    takeBack(irq, register);
    return queue.settle(irq);
  }

  /** Whoever listens is to be told of an SPI whose end is signalled. */
  private void noteEnd(Interrupt irq, long register) {
    if (irq.isSpi() && ListRegister.signalsEnd(register)) {
      ended[endedCount++] = irq.intid - Interrupt.PRIVATE;
      cpu.tell();
    }
  }

  private void takeBack(Interrupt irq, long register) {
    boolean pending = ListRegister.isPending(register);
    boolean active = ListRegister.isActive(register);
    irq.register = NONE;
    irq.filledPending = false;
    if (pending || active) {
      hardware.valid--;
    }
    noteEnd(irq, register);
    boolean deactivated = irq.active && !active;
    irq.active = active;
    if (active && irq.isSgi()) {
      irq.activeSource = ListRegister.source(register);
    }
    if (irq.edge) {
      if (pending) {
        irq.latch = true;
        if (irq.isSgi() && cpu.vgic.isV2()) {
          irq.sources |= 1 << ListRegister.source(register);
        }
      }
    } else if (!pending && !active) {
      irq.latch = false;
    }
    if (irq.mapped && !irq.edge && (pending || deactivated && irq.line)) {
      irq.line = GenericTimers.OUTPUT;
    }
  }
}
