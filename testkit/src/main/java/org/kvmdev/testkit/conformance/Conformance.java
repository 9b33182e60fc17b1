package org.kvmdev.testkit.conformance;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.testkit.conformance.Result.Outcome;

/**
 * The rules that every device is held to, and how a device is held to them. If a device passes,
 * what is built on it works; where it does not, the rules need improving.
 */
public final class Conformance {
  private static final List<Rule> RULES =
      Stream.of(
              DiscoveryRules.RULES,
              CreationRules.RULES,
              OrderRules.RULES,
              AttributeRules.RULES,
              DataRules.RULES,
              StateRules.RULES,
              LifetimeRules.RULES,
              RobustnessRules.RULES,
              LivenessRules.RULES,
              IsolationRules.RULES)
          .flatMap(Collection::stream)
          .sorted(Comparator.comparing(Rule::chapter).thenComparing(Rule::id))
          .toList();

  private Conformance() {}

  /**
   * The rules.
   *
   * @return all of them, by chapter
   */
  public static List<Rule> rules() {
    return RULES;
  }

  /**
   * A rule by its name or its id.
   *
   * @param name as {@link Rule#name()} or {@link Rule#id()}
   * @return the rule
   * @throws IllegalArgumentException where there is none; the message says which there are
   */
  public static Rule rule(String name) {
    return RULES.stream()
        .filter(rule -> rule.name().equals(name) || rule.id().equals(name))
        .findAny()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "there is no rule "
                        + name
                        + "; there are: "
                        + RULES.stream().map(Rule::toString).collect(Collectors.joining(", "))));
  }

  /**
   * Holds a device type to all rules.
   *
   * @param provider the provider
   * @param type one of its types
   * @param host the host that VMs are made on
   * @param options what the descriptors do not say
   * @return a result a rule, in the rules' order
   */
  public static List<Result> check(
      DeviceProvider provider, DeviceType type, Host host, Options options) {
    return check(Subject.of(provider, type, host, options));
  }

  /**
   * Holds a device type to all rules.
   *
   * @param subject the type
   * @return a result a rule, in the rules' order
   */
  public static List<Result> check(Subject subject) {
    List<Result> results = new ArrayList<>();
    for (Rule rule : RULES) {
      results.add(check(subject, rule));
    }
    return results;
  }

  /**
   * Holds a device type to one rule.
   *
   * @param subject the type
   * @param rule the rule
   * @return what came of it
   */
  public static Result check(Subject subject, Rule rule) {
    String limit = subject.options().limits().get(rule.name());
    if (limit != null) {
      return skipped(subject, rule, "declared as a limit: " + limit);
    }
    if (rule == CreationRules.IS_CREATED) {
      return subject.creation();
    }
    if (rule.needsDevice() && subject.creation().outcome() == Outcome.FAILED) {
      return skipped(subject, rule, "no device can be made, see " + CreationRules.IS_CREATED);
    }
    return run(subject, rule);
  }

  private static Result skipped(Subject subject, Rule rule, String reason) {
    return new Result(subject.type(), rule, Outcome.SKIPPED, List.of(reason), List.of(), false);
  }

  /** Runs a rule in a thread of its own, so that a device that hangs is a result like any other. */
  static Result run(Subject subject, Rule rule) {
    Findings findings = new Findings(subject.type(), rule);
    FutureTask<Result> task = new FutureTask<>(() -> findings(subject, rule, findings));
    Thread thread = Thread.ofPlatform().daemon().name("conformance " + rule).start(task);
    long limit = subject.options().timeLimit().toMillis();
    try {
      return task.get(limit, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      String where = where(thread);
      thread.interrupt();
      return hangs(subject, rule, where);
    } catch (InterruptedException e) {
      thread.interrupt();
      Thread.currentThread().interrupt();
      return skipped(subject, rule, "interrupted");
    } catch (ExecutionException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * Where a thread that does not come back is, for a message.
   *
   * @param thread the thread
   * @return its innermost frames that are not the JDK's
   */
  public static String where(Thread thread) {
    return Stream.of(thread.getStackTrace())
        .filter(frame -> !frame.getClassName().startsWith("java."))
        .limit(3)
        .map(Conformance::place)
        .collect(Collectors.joining(", "));
  }

  private static String place(StackTraceElement frame) {
    String method = frame.getClassName() + "." + frame.getMethodName();
    return frame.getFileName() == null
        ? method
        : method + "(" + frame.getFileName() + ":" + frame.getLineNumber() + ")";
  }

  private static Result findings(Subject subject, Rule rule, Findings findings) {
    try {
      rule.check().run(subject, findings);
    } catch (Findings.Skipped skip) {
      if (findings.isClean()) {
        return skipped(subject, rule, String.valueOf(skip.getMessage()));
      }
    } catch (KvmException refusal) {
      findings.violation(subject.type(), "unexpectedly refused: %s", refusal.getMessage());
    } catch (Exception | Error fault) {
      StackTraceElement[] stack = fault.getStackTrace();
      findings.violation(subject.type(), "%s%s", fault, stack.length == 0 ? "" : " at " + stack[0]);
    }
    return findings.result();
  }

  private static Result hangs(Subject subject, Rule rule, String where) {
    String reason =
        "hangs: after %d ms it is at %s".formatted(subject.options().timeLimit().toMillis(), where);
    return new Result(subject.type(), rule, Outcome.FAILED, List.of(reason), List.of(), true);
  }
}
