package org.kvmdev.runtime;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A VM's lock, whose owner can also stop the vCPUs: none enters the guest until it lets them again.
 *
 * <p>All is in one word: who has the lock, whether vCPUs are held out, and whether any may be in
 * the guest. To stop a VM of which no vCPU has run since it was stopped last is therefore one
 * compare-and-set, however many vCPUs there are, and to resume it is a store; only after a run are
 * the vCPUs looked at, each once. vCPUs that enter and leave while nobody stops them read the word
 * and write none that they share.
 *
 * <p>Why nobody slips through: a vCPU that enters takes its {@link VcpuLock} first and looks at the
 * word then; who stops the vCPUs writes the word first and looks at their locks then. Whichever
 * comes second sees the other.
 */
final class VmLock {
  private static final VarHandle WORD;

  /** Nobody has the lock, and no vCPU has entered. */
  private static final long FREE = 0;

  /** A vCPU has entered since all were found out of the guest. */
  private static final long ENTERED = 1;

  /** The owner holds the vCPUs out of the guest. While this is set it alone changes the word. */
  private static final long STOPPED = 2;

  /** The owner's thread id is above these bits; 0 is nobody. */
  private static final int OWNER_SHIFT = 2;

  static {
    try {
      WORD =
          MethodHandles.lookup()
              .findVarHandle(VmLock.class, "word", long.class)
              .withInvokeExactBehavior();
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private volatile long word;

  /** How often the owner has taken the lock beside the first time. */
  private int moreHolds;

  /** How often the owner has stopped the vCPUs beside the first time. */
  private int moreStops;

  /** Where those queue that wait to enter: not behind others, who wait for the lock. */
  private final Object entrance = new Object();

  // Who owns the VM.

  /** Takes the lock, waiting until it is free; a thread may take it several times. */
  void lock() {
    long me = me();
    if (ownerIn(word) == me) {
      moreHolds++;
    } else if (!tryLock(me)) {
      await(me);
    }
  }

  /** Gives the lock back. */
  void unlock() {
    long now = word;
    requireOwner(now);
    if (moreHolds > 0) {
      moreHolds--;
      return;
    }
    if ((now & STOPPED) != 0) {
      throw new IllegalStateException("the vCPUs are stopped; resume ends that, and the lock");
    }
    while (!WORD.compareAndSet(this, now, now & ENTERED)) {
      now = word;
    }
  }

  boolean isHeldByCurrentThread() {
    return ownerIn(word) == me();
  }

  private boolean tryLock(long me) {
    long now = word;
    return ownerIn(now) == 0 && WORD.compareAndSet(this, now, now | me << OWNER_SHIFT);
  }

  /** Of those that wait one looks, the others queue for the monitor. */
  private synchronized void await(long me) {
    Patience patience = new Patience();
    while (!tryLock(me)) {
      patience.pause();
    }
  }

  private void requireOwner(long now) {
    if (ownerIn(now) != me()) {
      throw new IllegalStateException("this thread has not got the VM's lock");
    }
  }

  private static long ownerIn(long word) {
    return word >>> OWNER_SHIFT;
  }

  private static long me() {
    return Thread.currentThread().threadId();
  }

  // Stopping the vCPUs.

  /**
   * Takes the lock and stops the vCPUs, where nobody has the lock and no vCPU has entered since
   * they were stopped last.
   *
   * @return false where that is not so, with nothing done
   */
  boolean tryStop() {
    // What was there before is cheaper to look at than whether it was exchanged.
    return (long) WORD.compareAndExchange(this, FREE, me() << OWNER_SHIFT | STOPPED) == FREE;
  }

  /**
   * Stops the vCPUs, for who has just taken the lock. {@link #resume} undoes both.
   *
   * @return whether some may be in the guest, still: the caller looks at them, and either waits for
   *     them and then says {@link #allOut}, or resumes
   */
  boolean stop() {
    long before = (long) WORD.getAndBitwiseOr(this, STOPPED);
    if ((before & STOPPED) != 0) {
      moreStops++;
      return false;
    }
    return (before & ENTERED) != 0;
  }

  /** Notes that no vCPU is in the guest, for who has stopped them. */
  void allOut() {
    WORD.setRelease(this, word & ~ENTERED);
  }

  /** Lets the vCPUs enter and gives the lock back, for who has stopped them. */
  void resume() {
    long now = word;
    // Mostly it is as tryStop left it; the rest is apart, so that this stays small where it is
    // used.
    if (now == (me() << OWNER_SHIFT | STOPPED) && moreHolds == 0) {
      WORD.setRelease(this, FREE);
    } else {
      resume(now);
    }
  }

  private void resume(long now) {
    requireOwner(now);
    if ((now & STOPPED) == 0) {
      throw new IllegalStateException("the vCPUs are not stopped");
    }
    if (moreHolds == 0) {
      WORD.setRelease(this, now & ENTERED);
      return;
    }
    moreHolds--;
    if (moreStops > 0) {
      moreStops--;
    } else {
      WORD.setRelease(this, now & ~STOPPED);
    }
  }

  // Entering the guest.

  /**
   * Whether a vCPU may enter whose lock this thread has taken.
   *
   * @return false where vCPUs are held out: it gives its lock back, waits with {@link
   *     #awaitEntrance} and tries again
   */
  boolean admits() {
    return (word & (ENTERED | STOPPED)) == ENTERED || admitsFirst();
  }

  /** Who holds the others out may enter itself. */
  private boolean admitsFirst() {
    long now = word;
    while ((now & STOPPED) == 0 || ownerIn(now) == me()) {
      if ((now & ENTERED) != 0 || WORD.compareAndSet(this, now, now | ENTERED)) {
        return true;
      }
      now = word;
    }
    return false;
  }

  /** Waits until vCPUs are not held out any more. */
  void awaitEntrance() {
    synchronized (entrance) {
      Patience patience = new Patience();
      while ((word & STOPPED) != 0) {
        patience.pause();
      }
    }
  }
}
