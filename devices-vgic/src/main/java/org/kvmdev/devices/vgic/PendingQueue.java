package org.kvmdev.devices.vgic;

import java.util.Arrays;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/**
 * The interrupts that a vCPU has pending or active, in the order in which list registers are
 * filled.
 *
 * <p>The order has a history. A new interrupt comes last. Only when there are more than list
 * registers is the queue sorted: active ones, then those that can be delivered by priority, then
 * the rest, each in the order they had. To sort costs what changed since, not what is there: there
 * is a list for each rank, and an interrupt whose rank changed moves before those that were after
 * it, or behind those that were before it.
 */
final class PendingQueue {
  /** The rank of active interrupts. */
  private static final int ACTIVE = 0;

  /** The rank of those that can be delivered, of priority 0; each rank has four priorities. */
  private static final int DELIVERABLE = 1;

  /** The rank of those that can neither be delivered nor are active. */
  private static final int IDLE = DELIVERABLE + 64;

  /** Those that came since the queue was sorted, which follow all others. */
  private static final int NEW = IDLE + 1;

  private static final Comparator<Interrupt> BY_PLACE = PendingQueue::compare;

  private final VgicCpu cpu;
  private final @Nullable Interrupt[] first = new Interrupt[NEW + 1];
  private final @Nullable Interrupt[] last = new Interrupt[NEW + 1];

  /** A bit for each list of deliverable interrupts that is not empty. */
  private long occupied;

  private Interrupt[] unsorted = new Interrupt[8];
  private int unsortedCount;
  private Interrupt[] leaving = new Interrupt[8];
  private int leavingCount;
  private int size;
  private int weight;
  private int several;
  private long order;
  private long back;
  private long front;
  private int checkedEnables;

  PendingQueue(VgicCpu cpu) {
    this.cpu = cpu;
  }

  boolean isEmpty() {
    return size == 0;
  }

  int size() {
    return size;
  }

  /** A number that changes whenever the order of the interrupts does. */
  long order() {
    return order;
  }

  /** Whether {@link #sort} would leave all as it is. */
  boolean isSorted() {
    return unsortedCount == 0 && first[NEW] == null;
  }

  /** The last of those that came since the queue was sorted; null where none did. */
  @Nullable Interrupt newest() {
    return last[NEW];
  }

  /** For how many list registers there are interrupts. */
  int weight() {
    return weight;
  }

  /** Whether an SGI is pending from several sources. */
  boolean hasSeveralSources() {
    return several != 0;
  }

  /** Puts an interrupt last that is to be delivered here. */
  void add(Interrupt irq) {
    irq.queuedOn = cpu;
    irq.weight = 0;
    size++;
    append(irq, NEW);
    weigh(irq, irq.listRegisters());
  }

  /** Takes an interrupt out. */
  void remove(Interrupt irq) {
    unlink(irq);
    unmarkUnsorted(irq);
    unmarkLeaving(irq);
    weigh(irq, 0);
    size--;
    irq.queuedOn = null;
  }

  /** Takes all LPIs out. */
  void removeLpis() {
    Interrupt irq = first();
    while (irq != null) {
      Interrupt behind = after(irq);
      if (irq.isLpi()) {
        remove(irq);
      }
      irq = behind;
    }
  }

  /** Takes note that something of an interrupt in the queue changed. */
  void changed(Interrupt irq) {
    if (irq.register != ListRegisters.NONE) {
      // What it comes to is looked at when it leaves the list register.
      irq.stale = true;
      return;
    }
    weigh(irq, irq.listRegisters());
    markUnsorted(irq);
    if (cpu.vgic.destination(irq) != cpu) {
      markLeaving(irq);
    }
  }

  /**
   * Takes note of what became of an interrupt that left its list register.
   *
   * @return whether it stays, as it can be delivered here
   */
  boolean settle(Interrupt irq) {
    VgicCpu to = cpu.vgic.destination(irq);
    if (to == null && irq.target == cpu) {
      irq.queueWhenHome = false;
      remove(irq);
      return false;
    }
    weigh(irq, irq.listRegisters());
    markUnsorted(irq);
    if (to != cpu) {
      markLeaving(irq);
      return false;
    }
    return true;
  }

  /** Sorts the queue. */
  void sort() {
    if (unsortedCount != 0) {
      sortChanged();
    }
    // Those that are new come behind all others of their rank.
    Interrupt irq = first[NEW];
    while (irq != null) {
      Interrupt behind = irq.next;
      unlink(irq);
      append(irq, rank(irq));
      irq = behind;
    }
  }

  private void sortChanged() {
    Interrupt[] moving = unsorted;
    int count = unsortedCount;
    arrange(moving, count);
    for (int i = count - 1; i >= 0; i--) {
      Interrupt irq = moving[i];
      int rank = rank(irq);
      if (rank > irq.list) {
        unlink(irq);
        prepend(irq, rank);
        irq.unsortedAt = -1;
      }
    }
    for (int i = 0; i < count; i++) {
      Interrupt irq = moving[i];
      if (irq.unsortedAt >= 0) {
        int rank = rank(irq);
        if (rank < irq.list) {
          unlink(irq);
          append(irq, rank);
        }
        irq.unsortedAt = -1;
      }
    }
    unsortedCount = 0;
  }

  /** Whether the distributor was enabled or disabled, which concerns all interrupts. */
  boolean mustBeChecked() {
    return checkedEnables != cpu.vgic.enableCount();
  }

  /**
   * Takes out what need not be here any more.
   *
   * @return the first of those that target another vCPU, in their order, chained by {@link
   *     Interrupt#next}: their home is to be that vCPU; null where there are none
   */
  @Nullable Interrupt prune() {
    int enables = cpu.vgic.enableCount();
    if (checkedEnables != enables) {
      checkedEnables = enables;
      checkAll();
    }
    return leavingCount == 0 ? null : takeOutLeaving();
  }

  private @Nullable Interrupt takeOutLeaving() {
    int moving = 0;
    int count = leavingCount;
    for (int i = 0; i < count; i++) {
      Interrupt irq = leaving[i];
      irq.leavingAt = -1;
      if (irq.register != ListRegisters.NONE) {
        // It became due again, and nothing of it changed since it was filled.
        continue;
      }
      VgicCpu to = cpu.vgic.destination(irq);
      if (to == cpu) {
        // It may have no list register yet.
        order++;
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
    arrange(leaving, count);
    Interrupt[] out = leaving;
    for (int i = 0; i < count; i++) {
      remove(out[i]);
    }
    for (int i = 0; i < count - 1; i++) {
      out[i].next = out[i + 1];
    }
    return out[0];
  }

  private void checkAll() {
    for (Interrupt irq = first(); irq != null; irq = after(irq)) {
      changed(irq);
    }
  }

  /** The first interrupt in order. */
  @Nullable Interrupt first() {
    Interrupt irq = first[ACTIVE];
    return irq != null ? irq : head(ACTIVE);
  }

  /** The interrupt that follows in order. */
  @Nullable Interrupt after(Interrupt irq) {
    return irq.next != null ? irq.next : head(irq.list);
  }

  /** The first interrupt of the lists behind one. */
  private @Nullable Interrupt head(int list) {
    if (list < IDLE) {
      long behind = occupied & -1L << list;
      if (behind != 0 && list < 64) {
        return first[DELIVERABLE + Long.numberOfTrailingZeros(behind)];
      }
      if (first[IDLE] != null) {
        return first[IDLE];
      }
    }
    return list < NEW ? first[NEW] : null;
  }

  private int rank(Interrupt irq) {
    if (irq.active) {
      return ACTIVE;
    }
    // What is pending in a list register is not latched meanwhile.
    boolean pending = irq.isPending() || cpu.listRegisters.wasFilledPending(irq);
    return irq.enabled && pending ? DELIVERABLE + (irq.priority >> 2) : IDLE;
  }

  private void weigh(Interrupt irq, int now) {
    int before = irq.weight;
    if (before != now) {
      weight += now - before;
      several += (now > 1 ? 1 : 0) - (before > 1 ? 1 : 0);
      irq.weight = now;
    }
  }

  private void append(Interrupt irq, int list) {
    order++;
    Interrupt end = last[list];
    irq.list = list;
    irq.place = ++back;
    irq.previous = end;
    irq.next = null;
    last[list] = irq;
    if (end == null) {
      first[list] = irq;
      occupy(list);
    } else {
      end.next = irq;
    }
  }

  private void prepend(Interrupt irq, int list) {
    order++;
    Interrupt begin = first[list];
    irq.list = list;
    irq.place = --front;
    irq.previous = null;
    irq.next = begin;
    first[list] = irq;
    if (begin == null) {
      last[list] = irq;
      occupy(list);
    } else {
      begin.previous = irq;
    }
  }

  private void unlink(Interrupt irq) {
    order++;
    int list = irq.list;
    Interrupt before = irq.previous;
    Interrupt behind = irq.next;
    if (before == null) {
      first[list] = behind;
    } else {
      before.next = behind;
    }
    if (behind == null) {
      last[list] = before;
    } else {
      behind.previous = before;
    }
    if (first[list] == null && list >= DELIVERABLE && list < IDLE) {
      occupied &= ~(1L << (list - DELIVERABLE));
    }
    irq.next = null;
    irq.previous = null;
  }

  private void occupy(int list) {
    if (list >= DELIVERABLE && list < IDLE) {
      occupied |= 1L << (list - DELIVERABLE);
    }
  }

  /** New ones are sorted in any case. */
  private void markUnsorted(Interrupt irq) {
    if (irq.unsortedAt < 0 && irq.list != NEW && rank(irq) != irq.list) {
      irq.unsortedAt = unsortedCount;
      unsorted = grown(unsorted, unsortedCount);
      unsorted[unsortedCount++] = irq;
    }
  }

  private void markLeaving(Interrupt irq) {
    if (irq.leavingAt < 0) {
      irq.leavingAt = leavingCount;
      leaving = grown(leaving, leavingCount);
      leaving[leavingCount++] = irq;
    }
  }

  private void unmarkUnsorted(Interrupt irq) {
    int at = irq.unsortedAt;
    if (at >= 0) {
      Interrupt moved = unsorted[--unsortedCount];
      unsorted[at] = moved;
      moved.unsortedAt = at;
      irq.unsortedAt = -1;
    }
  }

  private void unmarkLeaving(Interrupt irq) {
    int at = irq.leavingAt;
    if (at >= 0) {
      Interrupt moved = leaving[--leavingCount];
      leaving[at] = moved;
      moved.leavingAt = at;
      irq.leavingAt = -1;
    }
  }

  private static Interrupt[] grown(Interrupt[] array, int count) {
    return count < array.length ? array : Arrays.copyOf(array, 2 * count);
  }

  private static void arrange(Interrupt[] array, int count) {
    if (count > 16) {
      Arrays.sort(array, 0, count, BY_PLACE);
      return;
    }
    for (int i = 1; i < count; i++) {
      Interrupt irq = array[i];
      int j = i;
      for (; j > 0 && compare(array[j - 1], irq) > 0; j--) {
        array[j] = array[j - 1];
      }
      array[j] = irq;
    }
  }

  private static int compare(Interrupt a, Interrupt b) {
    return a.list != b.list ? Integer.compare(a.list, b.list) : Long.compare(a.place, b.place);
  }
}
