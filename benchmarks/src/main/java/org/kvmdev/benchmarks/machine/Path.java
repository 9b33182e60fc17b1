package org.kvmdev.benchmarks.machine;

/** A path through kvmdev, taken some number of times. */
@FunctionalInterface
public interface Path {
  /**
   * Takes the path.
   *
   * @param times how often
   * @return something that depends on every result, so that none is computed in vain
   * @throws Exception where the path is refused, or does something else than it should
   */
  long take(int times) throws Exception;
}
