package org.kvmdev.benchmarks;

/**
 * What a path is compared with: another row of the same run, or what was recorded once.
 *
 * @see Recorded
 */
interface Reference {
  /** What it is, shortly. */
  String text();

  /** Nanoseconds; NaN where it was not measured. */
  double nanoseconds();
}
