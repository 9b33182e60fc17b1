package org.kvmdev.api;

/**
 * One field of the 64-bit {@code attr} number of a group that encodes something in it.
 *
 * @param name the field's name: {@code offset}, {@code vcpu}, {@code mpidr}, {@code source}
 * @param high its highest bit, 0 to 63
 * @param low its lowest bit
 * @param meaning a sentence
 */
public record KeyField(String name, int high, int low, String meaning) {
  /** Checks the bits. */
  public KeyField {
    if (low < 0 || high > 63 || low > high) {
      throw new IllegalArgumentException(name + ": bits " + high + ":" + low + " are not in 63:0");
    }
  }

  /**
   * The field's value in a number.
   *
   * @param attr the whole number
   * @return the field, shifted down
   */
  public long of(long attr) {
    return attr << (63 - high) >>> (63 - high + low);
  }
}
