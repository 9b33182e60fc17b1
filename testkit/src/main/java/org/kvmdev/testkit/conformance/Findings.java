package org.kvmdev.testkit.conformance;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.Departure;
import org.kvmdev.api.DeviceType;

/**
 * What a rule finds out about one device type: the places that it examined, and what is wrong at
 * which. A place is the {@link DeviceType} or one of its {@link AttributeGroup}s or {@link
 * Attribute}s, since departures are declared at one of these.
 */
final class Findings {
  private static final int MOST_SHOWN = 5;

  private final DeviceType type;
  private final Rule rule;
  private final Set<Object> examined = new LinkedHashSet<>();
  private final Map<Object, List<String>> violations = new LinkedHashMap<>();
  private String remark = "";
  private boolean hangs;

  Findings(DeviceType type, Rule rule) {
    this.type = type;
    this.rule = rule;
  }

  /** Thrown by a rule that has nothing to ask a device; its message says why. */
  static final class Skipped extends Exception {
    private static final long serialVersionUID = 1;

    Skipped(String reason) {
      super(reason, null, false, false);
    }
  }

  /** Says that the rule looks at a place. */
  void examine(Object place) {
    examined.add(place);
  }

  /** Says that something is wrong at a place. */
  void violation(Object place, String format, Object... arguments) {
    examined.add(place);
    List<String> there = violations.computeIfAbsent(place, p -> new ArrayList<>());
    if (there.size() < MOST_SHOWN) {
      there.add(format.formatted(arguments));
    }
  }

  /** Says that the rule looks at a place, and that something is wrong there unless it holds. */
  void require(boolean holds, Object place, String format, Object... arguments) {
    examine(place);
    if (!holds) {
      violation(place, format, arguments);
    }
  }

  /** Says that a call at a place does not come back, and that a thread is still in it. */
  void hangs(Object place, String format, Object... arguments) {
    hangs = true;
    violation(place, format, arguments);
  }

  /** Whether nothing was found wrong yet. */
  boolean isClean() {
    return violations.isEmpty();
  }

  /** Says something that helps to repeat the check. */
  void remark(String format, Object... arguments) {
    remark = format.formatted(arguments);
  }

  /** Skips the rule unless there was something to look at. */
  void requireExamined(String reason) throws Skipped {
    if (examined.isEmpty()) {
      throw new Skipped(reason);
    }
  }

  /** What came of it, with departures taken into account. */
  Result result() {
    List<String> wrong = new ArrayList<>();
    List<Departure> found = new ArrayList<>();
    Set<Object> departing = new LinkedHashSet<>();
    for (Map.Entry<Object, List<String>> violation : violations.entrySet()) {
      Object place = departurePlace(violation.getKey());
      if (place == null) {
        wrong.addAll(violation.getValue());
      } else {
        departing.add(place);
      }
    }
    for (Object place : places()) {
      Departure departure = departure(place);
      if (departure == null) {
        continue;
      }
      if (departing.contains(place)) {
        found.add(departure);
      } else {
        wrong.add(notDeparting(place, departure));
      }
    }
    int more = wrong.size() - MOST_SHOWN;
    if (more > 0) {
      wrong = new ArrayList<>(wrong.subList(0, MOST_SHOWN));
      wrong.add("and " + more + " more");
    }
    if (!wrong.isEmpty()) {
      if (!remark.isEmpty()) {
        wrong.add(remark);
      }
      return new Result(type, rule, Result.Outcome.FAILED, wrong, found, hangs);
    }
    return new Result(
        type,
        rule,
        Result.Outcome.PASSED,
        remark.isEmpty() ? List.of() : List.of(remark),
        found,
        hangs);
  }

  private String notDeparting(Object place, Departure departure) {
    boolean looked = examined.stream().anyMatch(at -> isWithin(at, place));
    return "%s declares to depart (%s), %s"
        .formatted(
            place,
            departure.what(),
            looked
                ? "but does as the rule says; take the declaration away"
                : "but the rule found nothing there to examine; bring the device up, or name valid"
                    + " numbers");
  }

  /** The place itself, or what it is part of, that declares to depart; null where none does. */
  private @Nullable Object departurePlace(Object place) {
    if (departure(place) != null) {
      return place;
    }
    if (place instanceof Attribute attribute && departure(attribute.group()) != null) {
      return attribute.group();
    }
    return departure(type) == null ? null : type;
  }

  private boolean isWithin(Object place, Object whole) {
    return whole.equals(type)
        || place.equals(whole)
        || place instanceof Attribute attribute && attribute.group().equals(whole);
  }

  private @Nullable Departure departure(Object place) {
    for (Departure departure : Departures.at(type, place)) {
      if (departure.rule().equals(rule.name())) {
        return departure;
      }
    }
    return null;
  }

  private List<Object> places() {
    List<Object> places = new ArrayList<>();
    places.add(type);
    places.addAll(type.groups());
    places.addAll(type.attributes());
    return places;
  }
}
