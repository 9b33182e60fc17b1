package org.kvmdev.testkit.conformance;

/** Where two texts of many lines differ first. */
final class Difference {
  private Difference() {}

  /** The first line that differs, before and after. */
  static String of(String before, String after) {
    String[] first = before.split("\n");
    String[] second = after.split("\n");
    for (int i = 0; i < Math.max(first.length, second.length); i++) {
      String one = i < first.length ? first[i] : "nothing";
      String other = i < second.length ? second[i] : "nothing";
      if (!one.equals(other)) {
        return "\"" + one + "\" became \"" + other + "\"";
      }
    }
    return "no difference";
  }
}
