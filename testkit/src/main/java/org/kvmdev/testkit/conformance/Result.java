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
 * @param reason what is wrong, or why it was skipped; for a rule that passed, empty or a remark
 * @param departures the declared departures that were found to be so
 */
public record Result(
    DeviceType type, Rule rule, Outcome outcome, String reason, List<Departure> departures) {
  /** What can come of it. */
  public enum Outcome {
    /** The device does as the rule says, but for declared departures. */
    PASSED,
    /** It does not, or a declared departure does not really depart. */
    FAILED,
    /** The rule was not asked. */
    SKIPPED
  }

  /** Keeps its own list. */
  public Result {
    departures = List.copyOf(departures);
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
    if (!reason.isEmpty()) {
      text.append(": ").append(reason);
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
