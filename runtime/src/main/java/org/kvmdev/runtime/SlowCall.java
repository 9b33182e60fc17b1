package org.kvmdev.runtime;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A call of a plug-in that its VM waits for, watched: one that does not come back is one line in
 * the log, which names the jar and the place. Only its VM waits.
 *
 * {@snippet :
 * try (var _ = SlowCall.watch(provider, "making a KVM_DEV_TYPE_XICS")) {
 *   provider.create(type, machine);
 * }
 * }
 */
final class SlowCall implements AutoCloseable {
  /** After how long a call is told. */
  static final Duration LONG = Duration.ofSeconds(10);

  private static final Logger LOG = System.getLogger("org.kvmdev.runtime");

  private final Future<?> telling;

  private SlowCall(Future<?> telling) {
    this.telling = telling;
  }

  /**
   * Watches what this thread does until {@link #close}.
   *
   * @param plugin the object whose code is called; it is not held
   * @param doing what is done, for the log
   */
  static SlowCall watch(Object plugin, String doing) {
    return watch(plugin, doing, LONG);
  }

  static SlowCall watch(Object plugin, String doing, Duration patience) {
    Thread caller = Thread.currentThread();
    WeakReference<Object> weak = new WeakReference<>(plugin);
    return new SlowCall(
        ForkJoinPool.commonPool()
            .schedule(
                () -> tell(weak.get(), doing, patience, caller),
                patience.toMillis(),
                TimeUnit.MILLISECONDS));
  }

  private static void tell(
      @Nullable Object plugin, String doing, Duration patience, Thread caller) {
    if (plugin != null) {
      LOG.log(
          Level.WARNING,
          "{0}: {1} takes more than {2} s, at {3}; its VM waits, and no other",
          Origin.of(plugin.getClass()).jar(),
          doing,
          patience.toMillis() / 1000.0,
          place(caller));
    }
  }

  /** Where a thread is, in code that is not the JDK's. */
  static String place(Thread thread) {
    StackTraceElement[] trace = thread.getStackTrace();
    for (StackTraceElement frame : trace) {
      if (frame.getModuleName() == null || !ApiLoader.isJdk(frame.getModuleName())) {
        return frame.toString();
      }
    }
    return trace.length == 0 ? "its end" : trace[0].toString();
  }

  @Override
  public void close() {
    telling.cancel(false);
  }
}
