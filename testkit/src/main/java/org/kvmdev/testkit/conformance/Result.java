package org.kvmdev.testkit.conformance;

import java.util.List;
import org.kvmdev.api.Departure;
import org.kvmdev.api.DeviceType;

/**
 * What came of holding one device type to one rule.
 *
 * @param type the device type
 * @param rule the rule
 * @param outcome what came of it
 * @param details what is wrong, each; or why it was skipped; for a rule that passed, none or a
 *     remark
 * @param departures the declared departures that were found to be so
 * @param hangs whether the time limit was reached: a thread is still in the device, and may hold
 *     what other rules need
 */
public record Result(
    DeviceType type,
    Rule rule,
    Outcome outcome,
    List<String> details,
    List<Departure> departures,
    boolean hangs) {
  /** What can come of it. */
  public enum Outcome {
    /** The device does as the rule says, but for declared departures. */
    PASSED,
    /** It does not, or a declared departure does not really depart. */
    FAILED,
    /** The rule was not asked. */
    SKIPPED
  }

  /** Keeps its own lists. */
  public Result {
    details = List.copyOf(details);
    departures = List.copyOf(departures);
  }

  /**
   * The details in one line.
   *
   * @return what is wrong, or why the rule was skipped; empty where there is nothing to say
   */
  public String reason() {
    return String.join("; ", details);
  }

  /**
   * A line for people.
   *
   * @return the outcome, the rule, and the reason
   */
  @Override
  public String toString() {
    StringBuilder text =
        new StringBuilder("%-7s %s %s".formatted(outcome.name().toLowerCase(), type, rule));
    if (!details.isEmpty()) {
      text.append(": ").append(reason());
    }
    for (Departure departure : departures) {
      text.append("\n        departs as declared: ")
          .append(departure.what())
          .append(" [")
          .append(departure.source())
          .append(']');
    }
    return text.toString();
  }
}
