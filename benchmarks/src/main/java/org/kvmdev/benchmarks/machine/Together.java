package org.kvmdev.benchmarks.machine;

import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import org.jspecify.annotations.Nullable;

/**
 * Two paths at the same time, each on a thread of its own. It has been taken when both have, so
 * that it costs as much as one of them only where neither waits for the other.
 */
public final class Together implements Path {
  private final CyclicBarrier begin = new CyclicBarrier(2);
  private final CyclicBarrier end = new CyclicBarrier(2);
  private final Path here;

  /** How often the window under way takes them; the barriers publish it. */
  private int times;

  /** What went wrong on the other thread. */
  private volatile @Nullable Exception failure;

  /**
   * Starts the second thread, which ends with the program.
   *
   * @param here the path on the caller's thread
   * @param there the other thread's
   */
  public Together(Path here, Path there) {
    this.here = here;
    Thread.ofPlatform().daemon().start(() -> serve(there));
  }

  private void serve(Path there) {
    try {
      while (true) {
        begin.await();
        try {
          there.take(times);
        } catch (Exception e) {
          failure = e;
        }
        end.await();
      }
    } catch (InterruptedException | BrokenBarrierException e) {
      // Nobody measures any more.
    }
  }

  @Override
  public long take(int count) throws Exception {
    times = count;
    begin.await();
    long sum = here.take(count);
    end.await();
    Exception thrown = failure;
    if (thrown != null) {
      throw thrown;
    }
    return sum;
  }
}
