package org.kvmdev.api.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class DeviceLockTest {
  private static final int THREADS = 8;
  private static final int ROUNDS = 20_000;

  private final DeviceLock lock = new DeviceLock();
  private long counted;

  @Test
  void oneThreadAtATimeHasIt() throws InterruptedException {
    List<Thread> threads = new ArrayList<>();
    for (int thread = 0; thread < THREADS; thread++) {
      threads.add(Thread.ofPlatform().start(this::count));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals((long) THREADS * ROUNDS, counted);
  }

  private void count() {
    for (int round = 0; round < ROUNDS; round++) {
      lock.lock();
      try {
        counted++;
      } finally {
        lock.unlock();
      }
    }
  }

  @Test
  void aThreadThatHasItIsToldSoAndKeepsIt() {
    lock.lock();
    IllegalStateException refusal = assertThrows(IllegalStateException.class, lock::lock);
    assertTrue(refusal.getMessage().contains("called back"), refusal::getMessage);
    assertTrue(lock.isHeldByCurrentThread());
    lock.unlock();
    assertFalse(lock.isHeldByCurrentThread());
  }
}
