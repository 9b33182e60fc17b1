package org.kvmdev.devices.xics;

import org.jspecify.annotations.Nullable;

/**
 * The sources that wait for one server, by priority and number. The most favoured is found without
 * looking at the others: there is a bitmap of priorities, and for each that was ever used, bitmaps
 * of source controllers and of their sources. They are made at first use and kept.
 */
final class WaitingSources {
  private static final int WORDS = SourceController.SIZE / Long.SIZE;

  private final long[] priorities = new long[256 / Long.SIZE];
  private final @Nullable Level[] levels = new @Nullable Level[256];
  private int size;

  boolean isEmpty() {
    return size == 0;
  }

  int size() {
    return size;
  }

  void add(int source, int priority) {
    Level level = levels[priority];
    if (level == null) {
      level = new Level();
      levels[priority] = level;
    }
    if (level.add(source)) {
      priorities[priority >>> 6] |= 1L << priority;
      size++;
    }
  }

  boolean contains(int source, int priority) {
    Level level = levels[priority];
    return level != null && level.contains(source);
  }

  /** Removes a source; answers whether it was there. */
  boolean remove(int source, int priority) {
    Level level = levels[priority];
    if (level == null || !level.remove(source)) {
      return false;
    }
    if (level.words == 0) {
      priorities[priority >>> 6] &= ~(1L << priority);
    }
    size--;
    return true;
  }

  /** The most favoured priority at which a source waits; 0xff where none does. */
  int firstPriority() {
    for (int i = 0; i < priorities.length; i++) {
      if (priorities[i] != 0) {
        return i * Long.SIZE + Long.numberOfTrailingZeros(priorities[i]);
      }
    }
    return SourceState.MASKED;
  }

  /** The lowest number of those that wait at a priority at which one does. */
  int first(int priority) {
    Level level = levels[priority];
    if (level == null) {
      throw new IllegalStateException("no source waits at priority " + priority);
    }
    return level.first();
  }

  /** Whether a source of a controller waits. */
  boolean hasController(int index) {
    for (Level level : levels) {
      if (level != null && (level.controllers[index >>> 6] >>> index & 1) != 0) {
        return true;
      }
    }
    return false;
  }

  /** The sources that wait at one priority. */
  private static final class Level {
    final long[] controllers = new long[Sources.END / SourceController.SIZE / Long.SIZE];
    final long[] @Nullable [] sources = new long[Sources.END / SourceController.SIZE] @Nullable [];

    /** Which words of {@code controllers} are not 0. */
    int words;

    boolean contains(int source) {
      long[] bits = sources[source >>> SourceController.SHIFT];
      return bits != null && (bits[word(source)] >>> source & 1) != 0;
    }

    boolean add(int source) {
      int controller = source >>> SourceController.SHIFT;
      long[] bits = sources[controller];
      if (bits == null) {
        bits = new long[WORDS + 1];
        sources[controller] = bits;
      }
      int word = word(source);
      long bit = 1L << source;
      if ((bits[word] & bit) != 0) {
        return false;
      }
      bits[word] |= bit;
      bits[WORDS] |= 1L << word;
      controllers[controller >>> 6] |= 1L << controller;
      words |= 1 << (controller >>> 6);
      return true;
    }

    boolean remove(int source) {
      int controller = source >>> SourceController.SHIFT;
      long[] bits = sources[controller];
      int word = word(source);
      long bit = 1L << source;
      if (bits == null || (bits[word] & bit) == 0) {
        return false;
      }
      bits[word] &= ~bit;
      if (bits[word] == 0) {
        bits[WORDS] &= ~(1L << word);
        if (bits[WORDS] == 0) {
          controllers[controller >>> 6] &= ~(1L << controller);
          if (controllers[controller >>> 6] == 0) {
            words &= ~(1 << (controller >>> 6));
          }
        }
      }
      return true;
    }

    int first() {
      int group = Integer.numberOfTrailingZeros(words);
      int controller = group << 6 | Long.numberOfTrailingZeros(controllers[group]);
      long[] bits = sources[controller];
      if (bits == null) {
        throw new AssertionError("controller " + controller + " is marked and has no bits");
      }
      int word = Long.numberOfTrailingZeros(bits[WORDS]);
      return controller << SourceController.SHIFT
          | word << 6
          | Long.numberOfTrailingZeros(bits[word]);
    }

    private static int word(int source) {
      return source >>> 6 & WORDS - 1;
    }
  }
}
