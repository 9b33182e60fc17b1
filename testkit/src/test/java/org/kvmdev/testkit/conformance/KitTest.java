package org.kvmdev.testkit.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kvmdev.testkit.conformance.Result.Outcome;

/**
 * The kit itself: each rule finds the mistake that it is for, and others do not cry along. Prints
 * which rule found which broken device.
 */
class KitTest {
  /** Percent of the usual: mistakes are met soon, and there are many devices. */
  private static final int EFFORT = 20;

  @TempDir private Path folder;

  private List<Broken> all() throws Exception {
    return Stream.of(BrokenJars.all(folder), BrokenDevices.all(), BrokenKvms.all())
        .flatMap(List::stream)
        .toList();
  }

  @Test
  void each_rule_finds_its_broken_device_and_no_other_rule_does() throws Exception {
    List<Broken> all = all();
    Map<Broken, Set<String>> found = new LinkedHashMap<>();
    List<String> wrong = new ArrayList<>();
    for (Broken broken : all) {
      Options options = broken.options().effort(EFFORT);
      Subject subject = Subject.of(broken.provider(), broken.type(), options);
      Set<String> failed = new LinkedHashSet<>();
      for (Result result : Conformance.check(subject)) {
        if (result.outcome() == Outcome.FAILED) {
          failed.add(result.rule().name());
          if (!result.rule().name().equals(broken.rule())
              && !broken.others().contains(result.rule().name())) {
            wrong.add(broken.mistake() + ": " + result);
          }
        }
      }
      found.put(broken, failed);
      if (!failed.contains(broken.rule())) {
        wrong.add(broken.mistake() + ": not found by " + broken.rule());
      }
    }
    print(found);
    assertEquals(List.of(), wrong);
  }

  private static void print(Map<Broken, Set<String>> found) {
    StringBuilder table = new StringBuilder("Broken devices, and the rules that find them:\n");
    found.forEach(
        (broken, rules) ->
            table.append(
                "  %-62s %s%n"
                    .formatted(
                        broken.mistake(),
                        rules.stream()
                            .map(Conformance::rule)
                            .map(Rule::toString)
                            .collect(Collectors.joining(", ")))));
    System.out.print(table);
  }

  @Test
  void every_rule_has_a_broken_device() throws Exception {
    Set<String> missing = new TreeSet<>();
    Conformance.rules().forEach(rule -> missing.add(rule.name()));
    all().forEach(broken -> missing.remove(broken.rule()));
    assertEquals(Set.of(), missing);
  }

  @Test
  void ids_and_names_are_unique_and_every_rule_gives_its_reason() {
    List<Rule> rules = Conformance.rules();
    assertEquals(rules.size(), rules.stream().map(Rule::id).distinct().count());
    assertEquals(rules.size(), rules.stream().map(Rule::name).distinct().count());
    for (Rule rule : rules) {
      assertTrue(rule.id().matches("[A-Z][0-9]{2}"), rule.id());
      assertTrue(rule.name().matches("[a-z_]+"), rule.name());
      assertTrue(rule.says().endsWith(".") && rule.reason().endsWith("."), rule.name());
    }
  }
}
