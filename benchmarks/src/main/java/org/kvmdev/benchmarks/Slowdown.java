package org.kvmdev.benchmarks;

/**
 * What this machine makes of two threads that share nothing: two cores that are one core's
 * hyperthreads, or are other programs' too, slow each other down, and a device cannot help it.
 *
 * @param one a path on one thread
 * @param two the same on two, each with its own data
 */
record Slowdown(Row one, Row two) {
  /** What a row would cost on two threads that share nothing. */
  Reference of(Row row) {
    return new Reference() {
      @Override
      public String text() {
        return row.name() + ", on two threads that share nothing";
      }

      @Override
      public double nanoseconds() {
        // That two threads are faster than one is an error of the measurement.
        return row.nanoseconds() * Math.max(1, two.nanoseconds() / one.nanoseconds());
      }
    };
  }
}
