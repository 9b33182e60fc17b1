package org.kvmdev.devices.xics;

import org.jspecify.annotations.Nullable;

/**
 * The sources that wait for one server, by priority and number. The most favoured is found without
 * looking at the others: there is a bitmap of priorities, and for each that was ever used, bitmaps
 * of source controllers and of their sources. They are made at first use and kept.
 *
 * <p>The first is kept apart once it was looked for. What a more favoured interrupt displaces is
 * most often what was first before, and then comes and goes without touching the bitmaps.
 */
final class WaitingSources {
  private static final int WORDS = SourceController.SIZE / Long.SIZE;
  private static final long NONE = Long.MAX_VALUE;

  private final long[] priorities = new long[256 / Long.SIZE];
  private final @Nullable Level[] levels = new @Nullable Level[256];

  /** The first, if it is kept apart: it is in no bitmap, and before all that are. */
  private long front = NONE;

  /** All that are in bitmaps are at or behind this. */
  private long bound = NONE;

  private int inBitmaps;

  boolean isEmpty() {
    return inBitmaps == 0 && front == NONE;
  }

  int size() {
    return inBitmaps + (front == NONE ? 0 : 1);
  }

  void add(int source, int priority) {
    long place = place(source, priority);
    if (front == NONE) {
      if (place < bound) {
        front = place;
      } else {
        addToBitmaps(place);
      }
    } else if (place < front) {
      addToBitmaps(front);
      front = place;
    } else if (place > front) {
      addToBitmaps(place);
    }
  }

  boolean contains(int source, int priority) {
    return front == place(source, priority) || isInBitmaps(source, priority);
  }

  /** Removes a source; answers whether it was there. */
  boolean remove(int source, int priority) {
    if (front == place(source, priority)) {
      front = NONE;
      return true;
    }
    if (!isInBitmaps(source, priority)) {
      return false;
    }
    removeFromBitmaps(source, priority);
    return true;
  }

  /** The most favoured priority at which a source waits; 0xff where none does. */
  int firstPriority() {
    if (front == NONE) {
      if (inBitmaps == 0) {
        return SourceState.MASKED;
      }
      int priority = firstPriorityInBitmaps();
      int source = level(priority).first();
      removeFromBitmaps(source, priority);
      front = place(source, priority);
      bound = front + 1;
    }
    return (int) (front >>> 32);
  }

  /** Removes the first: of the most favoured priority, the lowest number. One must wait. */
  int removeFirst() {
    firstPriority();
    int source = (int) front;
    front = NONE;
    return source;
  }

  /** Whether a source of a controller waits. */
  boolean hasController(int index) {
    if (front != NONE && (int) front >>> SourceController.SHIFT == index) {
      return true;
    }
    for (Level level : levels) {
      if (level != null && (level.controllers[index >>> 6] >>> index & 1) != 0) {
        return true;
      }
    }
    return false;
  }

  /** Where a source is in the order. */
  private static long place(int source, int priority) {
    return (long) priority << 32 | source;
  }

  private void addToBitmaps(long place) {
    int priority = (int) (place >>> 32);
    Level level = levels[priority];
    if (level == null) {
      level = new Level();
      levels[priority] = level;
    }
    if (level.add((int) place)) {
      priorities[priority >>> 6] |= 1L << priority;
      inBitmaps++;
      bound = Math.min(bound, place);
    }
  }

  private boolean isInBitmaps(int source, int priority) {
    Level level = levels[priority];
    return level != null && level.contains(source);
  }

  private void removeFromBitmaps(int source, int priority) {
    Level level = level(priority);
    level.remove(source);
    if (level.words == 0) {
      priorities[priority >>> 6] &= ~(1L << priority);
    }
    inBitmaps--;
  }

  private int firstPriorityInBitmaps() {
    int i = 0;
    while (priorities[i] == 0) {
      i++;
    }
    return i * Long.SIZE + Long.numberOfTrailingZeros(priorities[i]);
  }

  private Level level(int priority) {
    Level level = levels[priority];
    if (level == null) {
      throw new AssertionError("priority " + priority + " is marked and has no bitmaps");
    }
    return level;
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

    /** Removes a source that is there. */
    void remove(int source) {
      int controller = source >>> SourceController.SHIFT;
      long[] bits = bits(controller);
      int word = word(source);
      bits[word] &= ~(1L << source);
      if (bits[word] == 0) {
        bits[WORDS] &= ~(1L << word);
        if (bits[WORDS] == 0) {
          controllers[controller >>> 6] &= ~(1L << controller);
          if (controllers[controller >>> 6] == 0) {
            words &= ~(1 << (controller >>> 6));
          }
        }
      }
    }

    int first() {
      int group = Integer.numberOfTrailingZeros(words);
      int controller = group << 6 | Long.numberOfTrailingZeros(controllers[group]);
      long[] bits = bits(controller);
      int word = Long.numberOfTrailingZeros(bits[WORDS]);
      return controller << SourceController.SHIFT
          | word << 6
          | Long.numberOfTrailingZeros(bits[word]);
    }

    private long[] bits(int controller) {
      long[] bits = sources[controller];
      if (bits == null) {
        throw new AssertionError("controller " + controller + " is marked and has no bits");
      }
      return bits;
    }

    private static int word(int source) {
      return source >>> 6 & WORDS - 1;
    }
  }
}
