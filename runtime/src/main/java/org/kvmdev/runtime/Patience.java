package org.kvmdev.runtime;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * How a thread waits for a word that another will change: it looks again and again, at first at
 * once, later ever less often. Nobody has to wake it, so that the change itself is a plain store.
 */
final class Patience {
  /** For what takes a few dozen instructions. */
  private static final int SPINS = 100;

  /** For what takes a thread's turn on the processor. */
  private static final int YIELDS = 100;

  /** For what takes as long as it likes: a guest's run, a plug-in's creation. */
  private static final long LONGEST_NAP = TimeUnit.MILLISECONDS.toNanos(1);

  private static final long FIRST_NAP = TimeUnit.MICROSECONDS.toNanos(10);

  private int looks;
  private long nap = FIRST_NAP;

  /** Lets some time go by before the next look. */
  // Whether it helps to give way is the scheduler's to know; nothing depends on it.
  @SuppressWarnings("ThreadPriorityCheck")
  void pause() {
    looks++;
    if (looks <= SPINS) {
      Thread.onSpinWait();
    } else if (looks <= SPINS + YIELDS) {
      Thread.yield();
    } else {
      LockSupport.parkNanos(this, nap);
      nap = Math.min(2 * nap, LONGEST_NAP);
    }
  }
}
