package org.kvmdev.devices.xics;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * One interrupt source controller (ICS): 1024 consecutive sources. A source's state changes only
 * with the lock of its server held ({@link Xics}).
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
    return states.getAcquire(slot(source));
  }

  /** Sets a source's state; its server's lock is held. */
  void set(int source, long state) {
    states.setRelease(slot(source), state);
  }

  /** Neighbours are in different cache lines: their lines are often driven by different threads. */
  private static int slot(int source) {
    return (source & 127) << 3 | source >>> 7 & 7;
  }
}
