package org.kvmdev.api.machine;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A device's own lock, for what takes a few dozen instructions: taking and releasing it costs one
 * atomic operation, less than half of a {@link java.util.concurrent.locks.ReentrantLock}. It is the
 * counterpart of the spin lock that a device has in the kernel.
 *
 * <p>A device takes it at its edge (an accessor, an access by the guest, a line), so that the code
 * inside reads like the hardware's manual:
 *
 * <pre>{@code
 * lock.lock();
 * try {
 *   return registers.read(offset);
 * } finally {
 *   lock.unlock();
 * }
 * }</pre>
 *
 * <p>A thread that has it may not take it again; one that tries (a pin's listener that calls back
 * into the device, say) is told so instead of waiting for itself. Of those that wait, one spins and
 * gives way now and then; the others queue behind it.
 *
 * <p>What a lock guards may extend it, which saves the way from one to the other. Two locks are in
 * different cache lines, wherever the garbage collector moves them: threads that have a lock each
 * do not slow each other down.
 */
public class DeviceLock extends CacheLine {
  private static final VarHandle OWNER;
  private static final long NOBODY = 0;

  /** How often to look before letting others run: who has the lock may have lost its processor. */
  private static final int LOOKS = 200;

  static {
    try {
      OWNER =
          MethodHandles.lookup()
              .findVarHandle(DeviceLock.class, "owner", long.class)
              .withInvokeExactBehavior();
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final ReentrantLock waiting = new ReentrantLock();

  /** The id of the thread that has the lock. */
  private volatile long owner = NOBODY;

  /** Makes a lock that nobody has. */
  public DeviceLock() {}

  /**
   * Takes the lock, waiting until it is free.
   *
   * @throws IllegalStateException where this thread has it already
   */
  public final void lock() {
    long me = Thread.currentThread().threadId();
    // What was there before is cheaper to look at than whether it was exchanged.
    if ((long) OWNER.compareAndExchange(this, NOBODY, me) != NOBODY) {
      await(me);
    }
  }

  /** Releases the lock; the thread has it. */
  public void unlock() {
    OWNER.setRelease(this, NOBODY);
  }

  /**
   * Whether this thread has the lock.
   *
   * @return true between {@link #lock} and {@link #unlock}
   */
  public final boolean isHeldByCurrentThread() {
    return owner == Thread.currentThread().threadId();
  }

  // Whether it helps to give way is the scheduler's to know; nothing depends on it.
  @SuppressWarnings("ThreadPriorityCheck")
  private void await(long me) {
    if (owner == me) {
      throw new IllegalStateException(
          "the device was called back while it was at work: a pin's listener may note the change,"
              + " and act on it later");
    }
    waiting.lock();
    try {
      int looks = 0;
      while (owner != NOBODY || !OWNER.compareAndSet(this, NOBODY, me)) {
        if (++looks % LOOKS == 0) {
          Thread.yield();
        } else {
          Thread.onSpinWait();
        }
      }
    } finally {
      waiting.unlock();
    }
  }
}
