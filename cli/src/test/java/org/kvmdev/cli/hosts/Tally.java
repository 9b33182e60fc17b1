package org.kvmdev.cli.hosts;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Which recorded answers were compared, which were equal, and which were left out, and why. */
final class Tally {
  private final String host;
  private final Map<String, Integer> checked = new LinkedHashMap<>();
  private final Map<String, String> leftOut = new LinkedHashMap<>();
  private final Map<String, Integer> leftOutCount = new LinkedHashMap<>();
  private final List<String> differences = new ArrayList<>();
  private String section = "";

  Tally(String host) {
    this.host = host;
  }

  /** What follows belongs to a section. */
  void section(String name) {
    section = name;
    checked.putIfAbsent(name, 0);
  }

  /** Compares one answer. */
  void check(String what, Object recorded, Object answered) {
    checked.merge(section, 1, Integer::sum);
    if (!recorded.toString().equals(answered.toString())) {
      differences.add(section + ": " + what + ": " + recorded + ", but we answer " + answered);
    }
  }

  /** Answers that cannot be compared. */
  void leaveOut(int count, String what, String why) {
    leftOutCount.merge(section + what, count, Integer::sum);
    leftOut.put(section + what, section + ", " + what + ": " + why);
  }

  /** Tells the numbers, and fails where anything differs or a section was not looked at. */
  void finish(Facts facts, List<String> remarks) {
    List<String> missing = new ArrayList<>(facts.names());
    missing.removeAll(checked.keySet());
    missing.removeAll(remarks);
    finish();
    assertEquals(List.of(), missing, "sections that nobody looks at");
  }

  /** Tells the numbers, and fails where anything differs. */
  void finish() {
    int all = checked.values().stream().mapToInt(Integer::intValue).sum();
    int out = leftOutCount.values().stream().mapToInt(Integer::intValue).sum();
    System.out.printf(
        "%s: %d recorded answers compared, %d equal; %d left out%n",
        host, all, all - differences.size(), out);
    leftOut.forEach((key, text) -> System.out.println("  " + leftOutCount.get(key) + " " + text));
    assertEquals("", String.join("\n", differences));
  }
}
