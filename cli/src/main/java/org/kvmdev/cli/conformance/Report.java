package org.kvmdev.cli.conformance;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.kvmdev.api.Departure;
import org.kvmdev.testkit.conformance.Result.Outcome;
import org.kvmdev.testkit.conformance.Rule;

/**
 * What came of checking one plug-in; filled while it is checked.
 *
 * @param place the jar, or the folder of jars
 * @param faults what kept it, or a part of it, from being checked
 * @param types its device types
 */
public record Report(Path place, List<String> faults, List<Type> types) {
  /** Of a plug-in of which nothing is known yet. */
  Report(Path place) {
    this(place, new ArrayList<>(), new ArrayList<>());
  }

  /**
   * One device type.
   *
   * @param number its number, as text
   * @param name its name
   * @param summary what it is, a sentence
   * @param jar the jar that it is from
   * @param host the host that VMs were made on
   * @param documented departures from what the type's own document says, which no rule reads
   * @param checks what came of each rule, in the rules' order
   */
  public record Type(
      String number,
      String name,
      String summary,
      String jar,
      String host,
      List<Departure> documented,
      List<Check> checks) {

    /**
     * How many rules came to an outcome.
     *
     * @param outcome the outcome
     * @return the number
     */
    public long count(Outcome outcome) {
      return checks.stream().filter(check -> check.outcome == outcome).count();
    }

    /**
     * How long all rules took.
     *
     * @return the sum of their times
     */
    public Duration time() {
      return checks.stream().map(Check::time).reduce(Duration.ZERO, Duration::plus);
    }

    @Override
    public String toString() {
      return name + " (" + number + ") on " + host;
    }
  }

  /**
   * What came of one rule.
   *
   * @param rule the rule
   * @param outcome what came of it
   * @param details what is wrong, each; or why it was skipped; or a remark
   * @param departures the declared departures that were found to be so
   * @param time how long it took
   */
  public record Check(
      Rule rule,
      Outcome outcome,
      List<String> details,
      List<Departure> departures,
      Duration time) {}

  /**
   * Whether there is a device, and each rule passed or was skipped for a reason of the device's.
   *
   * @return false where anything is wrong
   */
  public boolean passes() {
    return faults.isEmpty() && !types.isEmpty() && count(Outcome.FAILED) == 0;
  }

  /** How many rules came to an outcome, over all types. */
  long count(Outcome outcome) {
    return types.stream().mapToLong(type -> type.count(outcome)).sum();
  }

  /** How many rules were asked, over all types. */
  int checks() {
    return types.stream().map(Type::checks).mapToInt(Collection::size).sum();
  }
}
