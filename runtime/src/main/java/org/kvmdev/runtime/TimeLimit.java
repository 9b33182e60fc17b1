package org.kvmdev.runtime;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * How long a jar's code may take to be loaded. What takes longer is given up: its thread, which
 * nobody can stop, is left behind with it, and discovery goes on.
 *
 * @param most the limit
 */
record TimeLimit(Duration most) {
  /** What is done; it may be refused. */
  @FunctionalInterface
  interface Work<T> {
    T run() throws Rejection;
  }

  /**
   * Does something, and waits for it no longer than the limit.
   *
   * @param what what is done, as a message begins: {@code its provider com.example.Counter}
   */
  <T> T hold(String what, Work<T> work) throws Rejection {
    FutureTask<T> task = new FutureTask<>(work::run);
    Thread thread = Thread.ofPlatform().daemon().name("kvmdev loads " + what).unstarted(task);
    thread.setContextClassLoader(Thread.currentThread().getContextClassLoader());
    thread.start();
    try {
      return task.get(most.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      String place = SlowCall.place(thread);
      thread.interrupt();
      throw new Rejection(
          what + " is not there after " + seconds() + " s: it is at " + place,
          "A provider only declares what there is: what takes long belongs into DeviceOps.init.");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      thread.interrupt();
      throw new Rejection(what + " is not there: loading was interrupted", "Load it again.", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Rejection rejection) {
        throw rejection;
      }
      throw Rejection.of(what + " failed", e.getCause() == null ? e : e.getCause());
    }
  }

  private String seconds() {
    return most.toMillis() % 1000 == 0
        ? Long.toString(most.toSeconds())
        : Double.toString(most.toMillis() / 1000.0);
  }
}
