package org.kvmdev.devices.mpic;

import java.util.Arrays;

/**
 * A set of interrupt sources, ordered by priority: one bitmap per priority, behind it a word that
 * says which of its words are not empty, and above them bits that say which priorities are not. The
 * first of the queue is found in a few instructions, however many are in it.
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

  /** Adds a source; one that is in the queue already stays. */
  void add(int source, int priority) {
    int first = priority << WORDS_SHIFT;
    int word = source >> WORD_SHIFT;
    bits[first + word] |= 1L << source;
    bits[first + SUMMARY] |= 1L << word;
    priorities |= 1 << priority;
  }

  /** Removes a source; one that is not in the queue is left alone. */
  void remove(int source, int priority) {
    int first = priority << WORDS_SHIFT;
    int word = source >> WORD_SHIFT;
    long rest = bits[first + word] & ~(1L << source);
    bits[first + word] = rest;
    if (rest == 0) {
      long others = bits[first + SUMMARY] & ~(1L << word);
      bits[first + SUMMARY] = others;
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
    priorities = 0;
  }

  /** The highest priority in the queue, or {@link #EMPTY}. */
  int priority() {
    return Integer.SIZE - 1 - Integer.numberOfLeadingZeros(priorities);
  }

  /** The source of the highest priority, of equal ones the lowest; the queue is not empty. */
  int first() {
    int first = priority() << WORDS_SHIFT;
    int word = Long.numberOfTrailingZeros(bits[first + SUMMARY]);
    return (word << WORD_SHIFT) + Long.numberOfTrailingZeros(bits[first + word]);
  }
}
