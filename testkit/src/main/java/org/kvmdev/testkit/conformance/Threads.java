package org.kvmdev.testkit.conformance;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/** Calls that several threads make at once. */
final class Threads {
  private Threads() {}

  /**
   * What one thread does.
   *
   * @param <R> what it results in
   */
  @FunctionalInterface
  interface Body<R> {
    /**
     * Does it.
     *
     * @param thread which thread, from 0
     */
    @Nullable R run(int thread) throws Exception;
  }

  /**
   * Has threads begin at once, and waits for all.
   *
   * @return what each resulted in
   * @throws Exception what one of them threw
   */
  static <R> List<@Nullable R> race(int threads, Body<R> body) throws Exception {
    CyclicBarrier start = new CyclicBarrier(threads);
    List<FutureTask<@Nullable R>> tasks = new ArrayList<>();
    for (int number = 0; number < threads; number++) {
      int thread = number;
      FutureTask<@Nullable R> task =
          new FutureTask<>(
              () -> {
                start.await();
                return body.run(thread);
              });
      tasks.add(task);
      Thread.ofPlatform().daemon().name("conformance racer " + thread).start(task);
    }
    List<@Nullable R> results = new ArrayList<>();
    for (FutureTask<@Nullable R> task : tasks) {
      try {
        results.add(task.get());
      } catch (ExecutionException e) {
        if (e.getCause() instanceof Exception cause) {
          throw cause;
        }
        throw e;
      }
    }
    return results;
  }
}
