package org.kvmdev.api.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A lock that is held shortly. */
class ShortLockTest {
  private static final int THREADS = 4;
  private static final int TIMES = 50_000;

  private final ShortLock lock = new ShortLock();
  private int count;

  @Test
  @Timeout(30)
  void oneThreadAtATimeHasIt() throws InterruptedException {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      threads.add(Thread.ofPlatform().start(this::countUp));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(THREADS * TIMES, count);
  }

  private void countUp() {
    for (int i = 0; i < TIMES; i++) {
      lock.lock();
      count++;
      lock.unlock();
    }
  }
}
