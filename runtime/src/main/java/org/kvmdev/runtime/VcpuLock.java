package org.kvmdev.runtime;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Whose a vCPU is: the thread's that has it in the guest, or that of a request of its own. Taking
 * it is one atomic operation, giving it back a store. A thread cannot take it twice.
 */
final class VcpuLock {
  private static final VarHandle OWNER;
  private static final long NOBODY = 0;

  static {
    try {
      OWNER =
          MethodHandles.lookup()
              .findVarHandle(VcpuLock.class, "owner", long.class)
              .withInvokeExactBehavior();
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** The id of the thread that has it. */
  private volatile long owner = NOBODY;

  /**
   * Takes it, waiting until it is free.
   *
   * @return false where this thread has it already
   */
  boolean lock() {
    long me = Thread.currentThread().threadId();
    return OWNER.compareAndSet(this, NOBODY, me) || await(me);
  }

  /** Gives it back. */
  void unlock() {
    if (!isHeldByCurrentThread()) {
      throw new IllegalStateException(
          "this thread has not got the vCPU: it did not enter the guest");
    }
    OWNER.setRelease(this, NOBODY);
  }

  boolean isHeldByCurrentThread() {
    return owner == Thread.currentThread().threadId();
  }

  boolean isHeldByAnother() {
    long now = owner;
    return now != NOBODY && now != Thread.currentThread().threadId();
  }

  /** Waits until no other thread has it. */
  void awaitFree() {
    Patience patience = new Patience();
    while (isHeldByAnother()) {
      patience.pause();
    }
  }

  /** Of those that wait one looks, the others queue for the monitor. */
  private synchronized boolean await(long me) {
    Patience patience = new Patience();
    while (owner != NOBODY || !OWNER.compareAndSet(this, NOBODY, me)) {
      if (owner == me) {
        return false;
      }
      patience.pause();
    }
    return true;
  }
}
