package org.kvmdev.devices.mpic;

import java.util.Arrays;

/**
 * A set of interrupt sources, ordered by priority: one bitmap per priority, behind it a word that
 * says which of its words are not empty, and above them bits that say which priorities are not. The
 * first of the queue is found in a few instructions, however many are in it; it is kept, since most
 * often it is the only one, and then is asked for without a look at the bitmaps.
 *
 * <p>Whoever changes the priority of a source that is in a queue removes it before and adds it
 * after.
 */
final class InterruptQueue {
  private static final int PRIORITIES = 16;
  private static final int WORD_SHIFT = 6;

  /** Words of a priority, a power of two. */
  private static final int WORDS_SHIFT = 3;

  /** The last of them is no part of the bitmap: its bits are the others that are not 0. */
  private static final int SUMMARY = (1 << WORDS_SHIFT) - 1;

  /** What {@link #priority} answers for an empty queue; below every priority. */
  static final int EMPTY = -1;

  static {
    assert Source.COUNT <= SUMMARY << WORD_SHIFT;
  }

  private final long[] bits = new long[PRIORITIES << WORDS_SHIFT];
  private int priorities;

  /** The first source, where there is any. */
  private int first;

  /** Its priority, or {@link #EMPTY}. */
  private int firstPriority = EMPTY;

  /** Adds a source; one that is in the queue already stays. */
  void add(int source, int priority) {
    int begin = priority << WORDS_SHIFT;
    int word = source >> WORD_SHIFT;
    bits[begin + word] |= 1L << source;
    bits[begin + SUMMARY] |= 1L << word;
    priorities |= 1 << priority;
    if (priority > firstPriority || priority == firstPriority && source < first) {
      firstPriority = priority;
      first = source;
    }
  }

  /** Removes a source; one that is not in the queue is left alone. */
  void remove(int source, int priority) {
    int begin = priority << WORDS_SHIFT;
    int word = source >> WORD_SHIFT;
    long rest = bits[begin + word] & ~(1L << source);
    bits[begin + word] = rest;
    if (rest == 0) {
      long others = bits[begin + SUMMARY] & ~(1L << word);
      bits[begin + SUMMARY] = others;
      if (others == 0) {
        priorities &= ~(1 << priority);
      }
    }
    if (source == first) {
      findFirst();
    }
  }

  private void findFirst() {
    firstPriority = Integer.SIZE - 1 - Integer.numberOfLeadingZeros(priorities);
    if (firstPriority != EMPTY) {
      int begin = firstPriority << WORDS_SHIFT;
      int word = Long.numberOfTrailingZeros(bits[begin + SUMMARY]);
      first = (word << WORD_SHIFT) + Long.numberOfTrailingZeros(bits[begin + word]);
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
    priorities = 0;
    firstPriority = EMPTY;
  }

  /** The highest priority in the queue, or {@link #EMPTY}. */
  int priority() {
    return firstPriority;
  }

  /** The source of the highest priority, of equal ones the lowest; the queue is not empty. */
  int first() {
    return first;
  }
}
