package org.kvmdev.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.kvmdev.benchmarks.machine.Path;
import org.kvmdev.benchmarks.machine.Together;

/** One path, with what it must reach and what has been measured of it. */
final class Row implements Reference {
  /** Bytes below this are what the measurement itself allocates. */
  private static final double NO_BYTES = 0.5;

  private static final int SHORT_WINDOWS = 8;
  private static final int MOST_TIMES = 1 << 20;

  private final String name;
  private final Path path;
  private final Target target;
  private final Reference reference;

  /** In which rounds it has a window: every first, second, … */
  private final int every;

  private double nanoseconds = Double.NaN;
  private double bytes = Double.NaN;
  private int times = 1;
  private long sum;

  Row(String name, Path path, Target target, Reference reference) {
    this(name, path, target, reference, 1);
  }

  Row(String name, Path path, Target target, Reference reference, int every) {
    this.name = name;
    this.path = path;
    this.target = target;
    this.reference = reference;
    this.every = every;
  }

  /** A row that others are compared with. */
  Row(String name, Path path) {
    this(name, path, Target.NONE, Recorded.NOTHING, 1);
  }

  String name() {
    return name;
  }

  Path path() {
    return path;
  }

  Target target() {
    return target;
  }

  Reference reference() {
    return reference;
  }

  /**
   * How many windows it has in a round. Where it takes two threads they have to run at the same
   * time for a whole window, which on a machine that is shared is seldom, and never for long: it
   * has several short ones instead.
   */
  int windows(int round) {
    return round % every != 0 ? 0 : path instanceof Together ? SHORT_WINDOWS : 1;
  }

  /** Takes the path for about as long as a window is, and keeps the least that it cost. */
  void window(long length, Allocations allocations) throws Exception {
    long bytesBefore = allocations.bytes();
    long begin = System.nanoTime();
    sum += path.take(times);
    long took = System.nanoTime() - begin;
    record((double) took / times, (double) (allocations.bytes() - bytesBefore) / times);
    long here = path instanceof Together ? length / SHORT_WINDOWS : length;
    times = Math.clamp((long) (here / nanoseconds), 1, MOST_TIMES);
  }

  /** Whether it has a window in each round. */
  boolean isQuick() {
    return every == 1;
  }

  /** Takes the path for a moment, without a look at what it costs. */
  void warmUp(long length) throws Exception {
    long begin = System.nanoTime();
    do {
      sum += path.take(1);
    } while (System.nanoTime() - begin < length);
  }

  /** Takes account of a window; visible for tests. */
  void record(double tookEach, double allocatedEach) {
    nanoseconds = Double.isNaN(nanoseconds) ? tookEach : Math.min(nanoseconds, tookEach);
    bytes = Double.isNaN(bytes) ? allocatedEach : Math.min(bytes, allocatedEach);
  }

  /** Nobody needs it; but without somebody who could, nothing would have to be computed. */
  long sum() {
    return sum;
  }

  @Override
  public String text() {
    return name;
  }

  @Override
  public double nanoseconds() {
    return nanoseconds;
  }

  double bytes() {
    return bytes < NO_BYTES ? 0 : bytes;
  }

  double ratio() {
    return nanoseconds / reference.nanoseconds();
  }

  /** What the row misses of its target, in words. */
  List<String> misses() {
    List<String> misses = new ArrayList<>();
    double limit = target.limit(reference);
    if (nanoseconds > limit) {
      misses.add(String.format(Locale.ROOT, "%.1f ns, at most %.1f", nanoseconds, limit));
    }
    if (bytes() > target.bytes) {
      misses.add(String.format(Locale.ROOT, "%.1f bytes, at most %.0f", bytes(), target.bytes));
    }
    if (ratio() > target.ratio) {
      misses.add(
          String.format(
              Locale.ROOT, "%.2f of %s, at most %.2f", ratio(), reference.text(), target.ratio));
    }
    return misses;
  }
}
