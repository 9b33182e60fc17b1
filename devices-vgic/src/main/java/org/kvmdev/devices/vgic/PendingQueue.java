package org.kvmdev.devices.vgic;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The interrupts that a vCPU has pending or active, in the order in which list registers are
 * filled: a new one comes last. Only when there are more than list registers is the queue sorted,
 * and the order that it then has it keeps.
 *
 * <p>As long as each can have a list register, they stand in a row. When there are more, they are
 * in a {@link RankedQueue}, in which to sort costs what changed and not what is there.
 */
final class PendingQueue {
  private final VgicCpu cpu;
  private final Vgic vgic;

  /** The interrupts in order, while they are few; what is behind the last has no meaning. */
  private final Interrupt[] row;

  private final RankedQueue ranked;

  /** They are few, and in the row. */
  private boolean isRow = true;

  private int size;

  /** For how many more list registers there are interrupts than there are interrupts. */
  private int extra;

  /** How many SGIs are pending from several sources. */
  private int several;

  /** Those that may have to leave. */
  private Interrupt[] leaving = new Interrupt[8];

  private int leavingCount;
  private int checkedEnables;

  PendingQueue(VgicCpu cpu, int listRegisters) {
    this.cpu = cpu;
    vgic = cpu.vgic;
    row = new Interrupt[listRegisters];
    ranked = new RankedQueue();
  }

  boolean isEmpty() {
    return size == 0;
  }

  int size() {
    return size;
  }

  /** Whether there are so few that each can have a list register. */
  boolean isRow() {
    return isRow;
  }

  /** A number that changes whenever the order of interrupts that are not in a row does. */
  long order() {
    return ranked.order();
  }

  /** Whether an interrupt would come to the same place if it left and came again. */
  boolean isLast(Interrupt irq) {
    return isRow ? row[size - 1] == irq : irq.next == null;
  }

  /** Whether {@link #sort} would leave all as it is, where they are not in a row. */
  boolean isSorted() {
    return ranked.isSorted();
  }

  /** For how many list registers there are interrupts. */
  int weight() {
    return size + extra;
  }

  /** Whether an SGI is pending from several sources. */
  boolean hasSeveralSources() {
    return several != 0;
  }

  /** Puts an interrupt last that is to be delivered here. */
  void add(Interrupt irq) {
    if (isRow && size < row.length) {
      addToRow(irq);
    } else {
      irq.queued = true;
      size++;
      append(irq);
    }
    if (irq.sources != 0) {
      weigh(irq);
    }
  }

  /** Whether the interrupts are a number of few, none of which is pending from several sources. */
  boolean isRowOf(int count) {
    return isRow && size == count && several == 0;
  }

  /** Puts an interrupt last, where there is place in the row. */
  void addToRow(Interrupt irq) {
    int place = size++;
    irq.queued = true;
    // A row mostly has the same interrupts again and again.
    if (row[place] != irq) {
      row[place] = irq;
    }
  }

  /** Takes the last interrupt of a row out, which ended and targets this vCPU. */
  void removeFromRowsEnd(Interrupt irq) {
    size--;
    irq.queued = false;
    irq.queueWhenHome = false;
  }

  /**
   * Whether they are in no row and sorted, in an order that is known, and none is pending from
   * several sources.
   *
   * @param least for how many list registers there are interrupts at least
   * @param order what {@link #order} was when the order was looked at
   */
  boolean isRankedFrom(int least, long order) {
    return !isRow
        && several == 0
        && weight() >= least
        && ranked.order() == order
        && ranked.isSorted();
  }

  /** Puts an interrupt behind all others of its rank, where they are in no row. */
  void addRanked(Interrupt irq) {
    irq.queued = true;
    size++;
    ranked.appendInOrder(irq);
  }

  /** Takes an interrupt out, which ended and targets this vCPU, where they are in no row. */
  void removeRanked(Interrupt irq) {
    ranked.remove(irq);
    size--;
    irq.queued = false;
    irq.queueWhenHome = false;
  }

  /** Puts an interrupt where it comes to when the queue is sorted now, as it would be. */
  void addInOrder(Interrupt irq) {
    if (isRow || !ranked.isSorted() || weight() < row.length || irq.sources != 0) {
      add(irq);
    } else {
      addRanked(irq);
    }
  }

  private void append(Interrupt irq) {
    if (isRow) {
      isRow = false;
      for (Interrupt each : row) {
        ranked.append(each);
      }
    }
    ranked.append(irq);
  }

  /** Takes an interrupt out. */
  void remove(Interrupt irq) {
    if (isRow) {
      removeFromRow(irq);
    } else {
      ranked.remove(irq);
    }
    size--;
    if (irq.leavingAt >= 0) {
      unmarkLeaving(irq);
    }
    if (irq.extraRegisters != 0) {
      weigh(irq, 0);
    }
    irq.queued = false;
  }

  private void removeFromRow(Interrupt irq) {
    int at = indexOf(irq);
    for (int i = at + 1; i < size; i++) {
      row[i - 1] = row[i];
    }
  }

  private int indexOf(Interrupt irq) {
    int at = 0;
    while (row[at] != irq) {
      at++;
    }
    return at;
  }

  /**
   * Takes all LPIs out.
   *
   * @return those that target another vCPU, as {@link #prune} does
   */
  @Nullable Interrupt removeLpis() {
    Interrupt chain = null;
    Interrupt irq = first();
    while (irq != null) {
      Interrupt behind = after(irq);
      if (irq.isLpi()) {
        remove(irq);
        if (irq.target != cpu) {
          irq.moving = true;
          irq.next = chain;
          chain = irq;
        }
      }
      irq = behind;
    }
    return chain;
  }

  /** Takes note that something of an interrupt in the queue, but in no list register, changed. */
  void changed(Interrupt irq) {
    weigh(irq);
    if (!isRow) {
      ranked.changed(irq);
    }
    if (!cpu.isDestination(irq)) {
      markLeaving(irq);
    }
  }

  /**
   * Takes note of what became of an interrupt that left its list register.
   *
   * @return whether it stays, as it can be delivered here
   */
  boolean settle(Interrupt irq) {
    VgicCpu to = vgic.destination(irq);
    if (to == null && irq.target == cpu) {
      irq.queueWhenHome = false;
      remove(irq);
      return false;
    }
    if ((irq.sources | irq.extraRegisters) != 0) {
      weigh(irq);
    }
    if (!isRow) {
      ranked.changed(irq);
    }
    if (to != cpu) {
      markLeaving(irq);
      return false;
    }
    return true;
  }

  private void weigh(Interrupt irq) {
    weigh(irq, irq.listRegisters() - 1);
  }

  private void weigh(Interrupt irq, int now) {
    int before = irq.extraRegisters;
    if (before != now) {
      extra += now - before;
      several += (now > 0 ? 1 : 0) - (before > 0 ? 1 : 0);
      irq.extraRegisters = now;
    }
  }

  // The order.

  /** The first interrupt in order. */
  @Nullable Interrupt first() {
    if (isRow) {
      return size == 0 ? null : row[0];
    }
    return ranked.first();
  }

  /** The interrupt that follows in order. */
  @Nullable Interrupt after(Interrupt irq) {
    if (isRow) {
      int at = indexOf(irq) + 1;
      return at == size ? null : row[at];
    }
    return ranked.after(irq);
  }

  /** Sorts the queue: active ones, then those that can be delivered by priority, then the rest. */
  void sort() {
    if (!isRow) {
      ranked.sort();
      return;
    }
    for (int i = 1; i < size; i++) {
      Interrupt irq = row[i];
      int rank = RankedQueue.rank(irq);
      int j = i;
      for (; j > 0 && RankedQueue.rank(row[j - 1]) > rank; j--) {
        row[j] = row[j - 1];
      }
      row[j] = irq;
    }
  }

  /** Puts them in a row again, if they are few. */
  void line() {
    if (!isRow && size <= row.length) {
      int count = 0;
      for (Interrupt irq = ranked.first(); irq != null; irq = ranked.after(irq)) {
        row[count++] = irq;
      }
      for (int i = 0; i < count; i++) {
        ranked.remove(row[i]);
      }
      isRow = true;
    }
  }

  // What leaves.

  /** Whether the distributor was enabled or disabled, which concerns all interrupts. */
  boolean mustBeChecked() {
    return checkedEnables != vgic.enableCount();
  }

  /** Whether {@link #prune} may find anything. */
  boolean mayBePruned() {
    return leavingCount != 0 || mustBeChecked();
  }

  /**
   * Takes out what need not be here any more.
   *
   * @return the first of those that target another vCPU, in their order, chained by {@link
   *     Interrupt#next}: whoever prunes moves them ({@link Interrupt#moving}); null where there are
   *     none
   */
  @Nullable Interrupt prune() {
    int enables = vgic.enableCount();
    if (checkedEnables != enables) {
      checkedEnables = enables;
      for (Interrupt irq = first(); irq != null; irq = after(irq)) {
        cpu.changed(irq);
      }
    }
    int moving = 0;
    int count = leavingCount;
    for (int i = 0; i < count; i++) {
      Interrupt irq = leaving[i];
      irq.leavingAt = -1;
      if (irq.register != ListRegisters.NONE) {
        // It became due again, and nothing of it changed since it was filled.
        continue;
      }
      VgicCpu to = vgic.destination(irq);
      if (to == cpu) {
        // It may have no list register yet.
        ranked.touch();
        continue;
      }
      irq.queueWhenHome = to != null;
      if (irq.target == cpu) {
        remove(irq);
      } else {
        leaving[moving++] = irq;
      }
    }
    leavingCount = 0;
    return moving == 0 ? null : moveOut(moving);
  }

  private Interrupt moveOut(int count) {
    if (isRow) {
      for (int i = 0; i < size; i++) {
        row[i].list = 0;
        row[i].place = i;
      }
    }
    Interrupt[] out = leaving;
    RankedQueue.arrange(out, count);
    for (int i = 0; i < count; i++) {
      remove(out[i]);
      out[i].moving = true;
    }
    for (int i = 0; i < count - 1; i++) {
      out[i].next = out[i + 1];
    }
    return out[0];
  }

  private void markLeaving(Interrupt irq) {
    if (irq.leavingAt < 0) {
      if (leavingCount == leaving.length) {
        leaving = Arrays.copyOf(leaving, 2 * leavingCount);
      }
      irq.leavingAt = leavingCount;
      leaving[leavingCount++] = irq;
    }
  }

  private void unmarkLeaving(Interrupt irq) {
    Interrupt moved = leaving[--leavingCount];
    leaving[irq.leavingAt] = moved;
    moved.leavingAt = irq.leavingAt;
    irq.leavingAt = -1;
  }
}
