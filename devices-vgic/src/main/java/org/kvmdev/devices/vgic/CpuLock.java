package org.kvmdev.devices.vgic;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The lock of one vCPU's interrupts. It is held for some tens of nanoseconds, three times an
 * interrupt, so taking it is one atomic operation and giving it back none. Of those that find it
 * taken one spins, and the others queue behind it. It is not reentrant.
 */
final class CpuLock {
  /** How often to look before letting others run: the holder may have lost its processor. */
  private static final int SPINS = 200;

  private static final VarHandle HELD;

  static {
    try {
      HELD = MethodHandles.lookup().findVarHandle(CpuLock.class, "held", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final ReentrantLock waiting = new ReentrantLock();
  private volatile boolean held;

  void lock() {
    if (!HELD.compareAndSet(this, false, true)) {
      await();
    }
  }

  void unlock() {
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
