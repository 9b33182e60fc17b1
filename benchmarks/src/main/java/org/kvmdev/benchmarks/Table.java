package org.kvmdev.benchmarks;

import java.util.List;
import java.util.Locale;

/** The rows as text: a line each, and what is missed. */
final class Table {
  private static final String NAME = "%-48s";
  private static final String LINE = NAME + " %11s %9s %11s %7s %7s  %s%n";

  private Table() {}

  static String of(List<Row> rows) {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(LINE, "path", "ns", "at most", "bytes", "ratio", "at most", "ratio to"));
    for (Row row : rows) {
      Target target = row.target();
      text.append(
          String.format(
              LINE,
              row.name(),
              number(row.nanoseconds()),
              number(target.limit(row.reference())),
              number(row.bytes()),
              ratio(row.ratio()),
              ratio(target.ratio),
              row.reference().text() + (row.misses().isEmpty() ? "" : "  MISSED")));
    }
    return text.toString();
  }

  /** What is missed, a line each; empty where nothing is. */
  static String misses(List<Row> rows) {
    StringBuilder text = new StringBuilder();
    for (Row row : rows) {
      for (String miss : row.misses()) {
        text.append("missed: ").append(row.name().strip()).append(": ").append(miss);
        text.append(System.lineSeparator());
      }
    }
    return text.toString();
  }

  private static String number(double value) {
    if (!Double.isFinite(value)) {
      return "";
    }
    return String.format(Locale.ROOT, value < 1000 ? "%.1f" : "%,.0f", value);
  }

  private static String ratio(double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, "%.2f", value) : "";
  }
}
