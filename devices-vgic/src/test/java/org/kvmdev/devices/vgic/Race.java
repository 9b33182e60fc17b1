package org.kvmdev.devices.vgic;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Threads that run against each other for a test. They cannot hang it: each wait has an end, where
 * it says what it waited for, and a thread that does not come back is named with its stack.
 */
final class Race {
  private final long patience;
  private final List<Thread> threads = new ArrayList<>();
  private final AtomicReference<@Nullable String> fault = new AtomicReference<>();
  private volatile boolean stopped;

  /**
   * A race.
   *
   * @param seconds how long a thread waits for another before it says that something is lost
   */
  Race(int seconds) {
    patience = TimeUnit.SECONDS.toNanos(seconds);
  }

  /** What a thread does. */
  @FunctionalInterface
  interface Body {
    void run() throws Exception;
  }

  /** Starts a thread, which runs until it is done or the race is over ({@link #goesOn}). */
  Thread start(String name, Body body) {
    Thread thread =
        new Thread(
            () -> {
              try {
                body.run();
              } catch (Throwable thrown) {
                fault(name + ": " + thrown);
              }
            },
            name);
    thread.setDaemon(true);
    threads.add(thread);
    thread.start();
    return thread;
  }

  boolean goesOn() {
    return !stopped && fault.get() == null;
  }

  /** What went wrong; the first counts. */
  void fault(String what) {
    fault.compareAndSet(null, what);
  }

  @Nullable String fault() {
    return fault.get();
  }

  /**
   * Waits for another thread.
   *
   * @param done whether what is waited for has come
   * @param missing what is missing if it does not come
   * @return whether it came; otherwise the race is over
   */
  boolean await(BooleanSupplier done, Supplier<String> missing) {
    for (int looks = 0; looks < 1000; looks++) {
      if (done.getAsBoolean()) {
        return true;
      }
      Thread.onSpinWait();
    }
    long begin = System.nanoTime();
    while (!done.getAsBoolean()) {
      if (!goesOn()) {
        return false;
      }
      if (System.nanoTime() - begin > patience) {
        fault(missing.get());
        return false;
      }
      Thread.yield();
    }
    return true;
  }

  /** Waits until a thread is done. */
  void join(Thread thread) throws InterruptedException {
    // Its own waits end; so this one is only for a thread that spins where no wait is.
    long end = System.nanoTime() + 20 * patience;
    while (thread.isAlive() && goesOn()) {
      thread.join(10);
      if (System.nanoTime() > end) {
        fault(thread.getName() + " does not come back: " + stack(thread));
      }
    }
  }

  /** Ends the race; answers what went wrong, or null. */
  @Nullable String finish() throws InterruptedException {
    stopped = true;
    long end = System.nanoTime() + patience;
    for (Thread thread : threads) {
      while (thread.isAlive() && System.nanoTime() < end) {
        thread.join(10);
      }
      if (thread.isAlive()) {
        fault(thread.getName() + " does not come back: " + stack(thread));
      }
    }
    return fault.get();
  }

  private static String stack(Thread thread) {
    StackTraceElement[] frames = thread.getStackTrace();
    return Arrays.toString(Arrays.copyOf(frames, Math.min(frames.length, 6)));
  }
}
