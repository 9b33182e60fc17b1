package org.kvmdev.benchmarks;

/**
 * What a row would cost so many times.
 *
 * @param row the row
 * @param times how many times
 */
record Multiple(Row row, int times) implements Reference {
  @Override
  public String text() {
    return times + " times " + row.text();
  }

  @Override
  public double nanoseconds() {
    return times * row.nanoseconds();
  }
}
