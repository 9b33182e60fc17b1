package org.kvmdev.devices.xics;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * One interrupt source controller (ICS): 1024 consecutive sources. Where and how a source is sent
 * changes only with its server's lock held ({@link Xics}); what its line and its ends do changes at
 * any time.
 */
final class SourceController {
  /** How many sources each has, as a power of two. */
  static final int SHIFT = 10;

  /** How many sources each has. */
  static final int SIZE = 1 << SHIFT;

  private final AtomicLongArray states = new AtomicLongArray(SIZE);

  SourceController() {
    for (int i = 0; i < SIZE; i++) {
      states.setPlain(i, SourceState.INITIAL);
    }
  }

  /** The state of a source, by any number whose low bits are its own. */
  long state(int source) {
    return states.get(slot(source));
  }

  /** Changes a source's state if it is still as expected. */
  boolean replace(int source, long expected, long state) {
    return states.compareAndSet(slot(source), expected, state);
  }

  /** Clears and then sets bits of a source's state. */
  void change(int source, long clear, long set) {
    int slot = slot(source);
    long old;
    do {
      old = states.get(slot);
    } while (!states.compareAndSet(slot, old, old & ~clear | set));
  }

  /** Neighbours are in different cache lines: their lines are often driven by different threads. */
  private static int slot(int source) {
    return (source & 127) << 3 | source >>> 7 & 7;
  }
}
