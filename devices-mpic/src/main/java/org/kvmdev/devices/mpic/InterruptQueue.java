package org.kvmdev.devices.mpic;

import java.util.Arrays;

/**
 * A set of interrupt sources, ordered by priority: one bitmap per priority, and one bit per
 * priority that says whether its bitmap is empty. The first of the queue is found in a few
 * instructions, however many are in it.
 *
 * <p>Whoever changes the priority of a source that is in a queue removes it before and adds it
 * after.
 */
final class InterruptQueue {
  private static final int PRIORITIES = 16;
  private static final int WORDS = Math.ceilDiv(Source.COUNT, Long.SIZE);

  /** What {@link #priority} answers for an empty queue; below every priority. */
  static final int EMPTY = -1;

  private final long[] bits = new long[PRIORITIES * WORDS];
  private int priorities;

  /** Adds a source; one that is in the queue already stays. */
  void add(int source, int priority) {
    bits[priority * WORDS + source / Long.SIZE] |= 1L << source;
    priorities |= 1 << priority;
  }

  /** Removes a source; one that is not in the queue is left alone. */
  void remove(int source, int priority) {
    int row = priority * WORDS;
    bits[row + source / Long.SIZE] &= ~(1L << source);
    for (int word = row; word < row + WORDS; word++) {
      if (bits[word] != 0) {
        return;
      }
    }
    priorities &= ~(1 << priority);
  }

  void clear() {
    Arrays.fill(bits, 0);
    priorities = 0;
  }

  /** The highest priority in the queue, or {@link #EMPTY}. */
  int priority() {
    return Integer.SIZE - 1 - Integer.numberOfLeadingZeros(priorities);
  }

  /** The source of the highest priority, of equal ones the lowest; the queue is not empty. */
  int first() {
    int row = priority() * WORDS;
    int word = 0;
    while (bits[row + word] == 0) {
      word++;
    }
    return word * Long.SIZE + Long.numberOfTrailingZeros(bits[row + word]);
  }
}
