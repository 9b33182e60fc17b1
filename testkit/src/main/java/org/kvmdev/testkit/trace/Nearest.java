package org.kvmdev.testkit.trace;

import java.util.Collection;
import java.util.stream.Collectors;

/** Finds the name that was probably meant. */
final class Nearest {
  private Nearest() {}

  /**
   * The end of a message about an unknown name.
   *
   * @param unknown the name
   * @param known what there is
   * @return the nearest of the known names, or all of them where none is near
   */
  static String hint(String unknown, Collection<?> known) {
    String best = "";
    int least = Integer.MAX_VALUE;
    for (Object candidate : known) {
      int distance = distance(unknown, candidate.toString());
      if (distance < least) {
        least = distance;
        best = candidate.toString();
      }
    }
    if (least <= Math.max(1, unknown.length() / 3)) {
      return "; did you mean " + best + "?";
    }
    return known.stream()
        .map(Object::toString)
        .sorted()
        .collect(Collectors.joining(", ", "; there are: ", ""));
  }

  /** Levenshtein's distance. */
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int above = row[j];
        int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(substituted, Math.min(above, row[j - 1]) + 1);
        diagonal = above;
      }
    }
    return row[b.length()];
  }
}
