package org.kvmdev.testkit.replay;

import java.util.List;
import org.kvmdev.testkit.trace.BrokenLine;

/**
 * What came of replaying a recording.
 *
 * @param name the recording's file
 * @param host the machine that it was made on
 * @param status equal or not, or not replayed
 * @param missing what it was not replayed for, in words; empty where it was
 * @param calls how many calls it has, broken lines included
 * @param equal how many were answered as recorded
 * @param different how many were not
 * @param differences the first of those
 * @param broken lines that are no calls
 */
public record Replay(
    String name,
    String host,
    Status status,
    String missing,
    int calls,
    int equal,
    int different,
    List<Difference> differences,
    List<BrokenLine> broken) {
  /** Copies the lists. */
  public Replay {
    differences = List.copyOf(differences);
    broken = List.copyOf(broken);
  }

  /**
   * Whether there was all that it takes to replay the recording.
   *
   * @return false where a host or a device type is missing
   */
  public boolean isReplayed() {
    return missing.isEmpty();
  }

  /** What came of it in a word. */
  public enum Status {
    /** Every call was answered as recorded. */
    EQUAL("equal"),
    /** Some call was not, or some line is none. */
    DIFFERENT("different"),
    /** No provider offers the machine that the recording was made on. */
    NO_HOST("no host"),
    /** No provider offers a device type that the recording's machine has, and that it makes. */
    NO_DEVICE("no device");

    private final String words;

    Status(String words) {
      this.words = words;
    }

    @Override
    public String toString() {
      return words;
    }
  }

  /**
   * The result in one line.
   *
   * @return {@code mpic/42-connect.kvmtrace.jsonl: 63 calls, 61 equal, 2 different}
   */
  public String summary() {
    if (!isReplayed()) {
      return name + ": no " + missing + "; " + calls + " calls not replayed";
    }
    String text = name + ": " + calls + " calls, " + equal + " equal";
    if (different > 0) {
      text += ", " + different + " different";
    }
    if (!broken.isEmpty()) {
      text += ", " + broken.size() + " broken";
    }
    return text;
  }

  /**
   * The result with its first differences, each with its place, the call, what was expected and
   * what came.
   *
   * @return the summary; lines for each broken line and each of {@link #differences()}
   */
  public String report() {
    StringBuilder text = new StringBuilder(summary());
    for (BrokenLine line : broken) {
      text.append("\n  ").append(name).append(':').append(line.line());
      text.append(": ").append(line.message());
    }
    for (Difference difference : differences) {
      text.append("\n  ").append(name).append(':').append(difference.line());
      text.append(": ").append(difference.call());
      text.append("\n    expected ").append(difference.expected());
      text.append("\n    got      ").append(difference.got());
    }
    int more = different - differences.size();
    if (more > 0) {
      text.append("\n  and ").append(more).append(" more");
    }
    return text.toString();
  }
}
