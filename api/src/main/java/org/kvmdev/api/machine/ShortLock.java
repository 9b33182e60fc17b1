package org.kvmdev.api.machine;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A lock for state that is held for some tens of nanoseconds, several times an interrupt: taking it
 * is one atomic operation and giving it back none. Of those that find it taken one spins, and the
 * others queue behind it. It is not reentrant, and nothing that blocks or calls out may be done
 * with it held.
 */
public final class ShortLock {
  /** How often to look before letting others run: the holder may have lost its processor. */
  private static final int SPINS = 200;

  private static final VarHandle HELD;

  static {
    try {
      HELD = MethodHandles.lookup().findVarHandle(ShortLock.class, "held", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final ReentrantLock waiting = new ReentrantLock();
  private volatile boolean held;

  /** Made free. */
  public ShortLock() {}

  /** Takes the lock, waiting for whoever holds it. */
  public void lock() {
    if (!HELD.compareAndSet(this, false, true)) {
      await();
    }
  }

  /** Gives the lock back; only whoever holds it may. */
  public void unlock() {
    HELD.setRelease(this, false);
  }

  private void await() {
    waiting.lock();
    try {
      int looks = 0;
      while (held || !HELD.compareAndSet(this, false, true)) {
        if (++looks % SPINS == 0) {
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
