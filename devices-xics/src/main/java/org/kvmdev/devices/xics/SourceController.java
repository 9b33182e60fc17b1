package org.kvmdev.devices.xics;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * One interrupt source controller (ICS): 1024 consecutive sources. A source's state changes only
 * with the lock of its server held ({@link Xics}).
 */
final class SourceController {
  /** How many sources each has, as a power of two. */
  static final int SHIFT = 10;

  /** How many sources each has. */
  static final int SIZE = 1 << SHIFT;

  private static final VarHandle STATE =
      MethodHandles.arrayElementVarHandle(long[].class).withInvokeExactBehavior();

  private final long[] states = new long[SIZE];

  SourceController() {
    Arrays.fill(states, SourceState.INITIAL);
  }

  /** The state of a source, by any number whose low bits are its own. */
  long state(int source) {
    return (long) STATE.getAcquire(states, slot(source));
  }

  /** Sets a source's state; its server's lock is held. */
  void set(int source, long state) {
    STATE.setRelease(states, slot(source), state);
  }

  /** Neighbours are in different cache lines: their lines are often driven by different threads. */
  private static int slot(int source) {
    return (source & 127) << 3 | source >>> 7 & 7;
  }
}
