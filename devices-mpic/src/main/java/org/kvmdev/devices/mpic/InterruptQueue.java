package org.kvmdev.devices.mpic;

import java.util.Arrays;

/**
 * A set of interrupt sources, ordered by priority: one bitmap per priority, and above it bits that
 * say which of its words, and which priorities, are not empty. The first of the queue is found in a
 * few instructions, however many are in it.
 *
 * <p>Whoever changes the priority of a source that is in a queue removes it before and adds it
 * after.
 */
final class InterruptQueue {
  private static final int PRIORITIES = 16;
  private static final int WORD_SHIFT = 6;

  /** Words of a priority's bitmap, a power of two. */
  private static final int WORDS_SHIFT = 3;

  /** What {@link #priority} answers for an empty queue; below every priority. */
  static final int EMPTY = -1;

  static {
    assert Source.COUNT <= 1 << WORDS_SHIFT + WORD_SHIFT;
  }

  private final long[] bits = new long[PRIORITIES << WORDS_SHIFT];
  private final int[] words = new int[PRIORITIES];
  private int priorities;

  /** Adds a source; one that is in the queue already stays. */
  void add(int source, int priority) {
    int word = source >> WORD_SHIFT;
    bits[(priority << WORDS_SHIFT) + word] |= 1L << source;
    words[priority] |= 1 << word;
    priorities |= 1 << priority;
  }

  /** Removes a source; one that is not in the queue is left alone. */
  void remove(int source, int priority) {
    int word = source >> WORD_SHIFT;
    int at = (priority << WORDS_SHIFT) + word;
    long rest = bits[at] & ~(1L << source);
    bits[at] = rest;
    if (rest == 0) {
      int others = words[priority] & ~(1 << word);
      words[priority] = others;
      if (others == 0) {
        priorities &= ~(1 << priority);
      }
    }
  }

  /** Moves a source to another priority; one that is not in the queue is left alone. */
  void move(int source, int before, int now) {
    if ((bits[(before << WORDS_SHIFT) + (source >> WORD_SHIFT)] & 1L << source) != 0) {
      remove(source, before);
      add(source, now);
    }
  }

  void clear() {
    Arrays.fill(bits, 0);
    Arrays.fill(words, 0);
    priorities = 0;
  }

  /** The highest priority in the queue, or {@link #EMPTY}. */
  int priority() {
    return Integer.SIZE - 1 - Integer.numberOfLeadingZeros(priorities);
  }

  /** The source of the highest priority, of equal ones the lowest; the queue is not empty. */
  int first() {
    int priority = priority();
    int word = Integer.numberOfTrailingZeros(words[priority]);
    return (word << WORD_SHIFT)
        + Long.numberOfTrailingZeros(bits[(priority << WORDS_SHIFT) + word]);
  }
}
