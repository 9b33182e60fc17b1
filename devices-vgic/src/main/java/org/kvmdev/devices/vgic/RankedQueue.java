package org.kvmdev.devices.vgic;

import java.util.Arrays;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/**
 * Many interrupts in order, which can be sorted: active ones, then those that can be delivered by
 * priority, then the rest, each in the order they had.
 *
 * <p>To sort costs what changed since, not what is there: there is a list for each rank, and an
 * interrupt whose rank changed moves before those that were after it, or behind those that were
 * before it.
 */
final class RankedQueue {
  /** The rank of active interrupts. */
  private static final int ACTIVE = 0;

  /** The rank of those that can be delivered, of priority 0; each rank has four priorities. */
  private static final int DELIVERABLE = 1;

  /** The rank of those that can neither be delivered nor are active. */
  private static final int IDLE = DELIVERABLE + 64;

  /** Those that came since the queue was sorted, which follow all others. */
  private static final int NEW = IDLE + 1;

  private static final Comparator<Interrupt> BY_PLACE = RankedQueue::compare;

  private final @Nullable Interrupt[] first = new Interrupt[NEW + 1];
  private final @Nullable Interrupt[] last = new Interrupt[NEW + 1];

  /** A bit for each list of deliverable interrupts that is not empty. */
  private long occupied;

  private Interrupt[] unsorted = new Interrupt[8];
  private int unsortedCount;
  private long order;
  private long back;
  private long front;

  /** A number that changes whenever the order does. */
  long order() {
    return order;
  }

  /** Lets the order count as another one. */
  void touch() {
    order++;
  }

  /** Whether {@link #sort} would leave all as it is. */
  boolean isSorted() {
    return unsortedCount == 0 && first[NEW] == null;
  }

  /** Puts an interrupt last. */
  void append(Interrupt irq) {
    append(irq, NEW);
  }

  /** Puts an interrupt behind all others of its rank. */
  void appendInOrder(Interrupt irq) {
    append(irq, rank(irq));
  }

  /** Takes an interrupt out. */
  void remove(Interrupt irq) {
    unlink(irq);
    int at = irq.unsortedAt;
    if (at >= 0) {
      Interrupt moved = unsorted[--unsortedCount];
      unsorted[at] = moved;
      moved.unsortedAt = at;
      irq.unsortedAt = -1;
    }
  }

  /** Takes note that something of an interrupt changed; new ones are sorted in any case. */
  void changed(Interrupt irq) {
    if (irq.unsortedAt < 0 && irq.list != NEW && rank(irq) != irq.list) {
      if (unsortedCount == unsorted.length) {
        unsorted = Arrays.copyOf(unsorted, 2 * unsortedCount);
      }
      irq.unsortedAt = unsortedCount;
      unsorted[unsortedCount++] = irq;
    }
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

  /** The first interrupt in order. */
  @Nullable Interrupt first() {
    Interrupt irq = first[ACTIVE];
    return irq != null ? irq : firstBehind(ACTIVE);
  }

  /** The interrupt that follows in order. */
  @Nullable Interrupt after(Interrupt irq) {
    return irq.next != null ? irq.next : firstBehind(irq.list);
  }

  /** The first interrupt of the lists behind one. */
  private @Nullable Interrupt firstBehind(int list) {
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

  /** Which list an interrupt belongs to when the queue is sorted. */
  static int rank(Interrupt irq) {
    if (irq.active) {
      return ACTIVE;
    }
    // What is pending in a list register is not latched meanwhile.
    boolean pending = irq.isPending() || irq.filledPending;
    return irq.enabled && pending ? deliverable(irq) : IDLE;
  }

  /** Which list it belongs to where it can be delivered and is not active. */
  static int deliverable(Interrupt irq) {
    return DELIVERABLE + (irq.priority >> 2);
  }

  private void append(Interrupt irq, int list) {
    Interrupt end = last[list];
    order++;
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
    Interrupt begin = first[list];
    order++;
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
    int list = irq.list;
    Interrupt before = irq.previous;
    Interrupt behind = irq.next;
    order++;
    if (before == null) {
      first[list] = behind;
      if (behind == null && list >= DELIVERABLE && list < IDLE) {
        occupied &= ~(1L << (list - DELIVERABLE));
      }
    } else {
      before.next = behind;
      irq.previous = null;
    }
    if (behind == null) {
      last[list] = before;
    } else {
      behind.previous = before;
      irq.next = null;
    }
  }

  private void occupy(int list) {
    if (list >= DELIVERABLE && list < IDLE) {
      occupied |= 1L << (list - DELIVERABLE);
    }
  }

  /** Sorts interrupts by their places in the queue that they are in. */
  static void arrange(Interrupt[] array, int count) {
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
