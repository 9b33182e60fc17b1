package org.kvmdev.testkit.junit;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestReporter;
import org.kvmdev.api.Departure;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.KvmException;
import org.kvmdev.testkit.conformance.Bench;
import org.kvmdev.testkit.conformance.Conformance;
import org.kvmdev.testkit.conformance.Options;
import org.kvmdev.testkit.conformance.Result;
import org.kvmdev.testkit.conformance.Rule;
import org.kvmdev.testkit.conformance.Subject;

/**
 * The conformance rules as a test class of a device's author: one test a device type and rule.
 *
 * <pre>{@code
 * class UartConformanceTest extends DeviceConformance {}
 * }</pre>
 *
 * <p>The provider is the one that ServiceLoader finds in the test's own module; where the test is
 * in no module, every provider on the class path. A device that needs more than being made
 * overrides {@link #bringUp}; what else the descriptors do not say goes into {@link #options}. A
 * rule that is skipped says why, in the output and as the name of an empty container.
 *
 * <p>Rules that try at random print their seed; {@code -Dkvmdev.conformance.seed=0x…} repeats it.
 */
public abstract class DeviceConformance {
  private static final String SEED = "kvmdev.conformance.seed";

  /** Made by a subclass. */
  protected DeviceConformance() {}

  /**
   * The providers whose types are held to the rules.
   *
   * @return those that ServiceLoader finds in the test's module
   */
  protected List<DeviceProvider> providers() {
    Module module = getClass().getModule();
    List<DeviceProvider> found = new ArrayList<>();
    ServiceLoader.load(DeviceProvider.class, getClass().getClassLoader()).stream()
        .filter(each -> !module.isNamed() || each.type().getModule() == module)
        .forEach(each -> found.add(each.get()));
    return found;
  }

  /**
   * Brings a device up that has just been made, in a VM with its vCPUs: connects, maps,
   * initialises. Without more, does nothing.
   *
   * @param bench the device, its VM and its vCPUs
   * @throws KvmException where a step is refused, which fails the rule
   */
  protected void bringUp(Bench bench) throws KvmException {}

  /**
   * What else the descriptors of a type do not say.
   *
   * @param type the type
   * @param usual two vCPUs, and {@link #bringUp}
   * @return these, or others: with declared limits, valid numbers, more vCPUs
   */
  protected Options options(DeviceType type, Options usual) {
    return usual;
  }

  /**
   * The tests.
   *
   * @param reporter is told which departures were found to be as declared
   * @return a container a device type, a test a rule
   */
  @TestFactory
  public final Stream<DynamicNode> conformance(TestReporter reporter) {
    List<DeviceProvider> providers = providers();
    if (providers.isEmpty()) {
      Assertions.fail(
          "ServiceLoader finds no DeviceProvider in "
              + getClass().getModule()
              + "; declare it @AutoService, and `provides … with` in module-info");
    }
    return providers.stream()
        .flatMap(
            provider -> provider.types().stream().map(type -> container(provider, type, reporter)));
  }

  private DynamicNode container(DeviceProvider provider, DeviceType type, TestReporter reporter) {
    Options usual = Options.DEFAULT.bringUp(this::bringUp);
    String seed = System.getProperty(SEED);
    if (seed != null) {
      usual = usual.seed(Long.decode(seed));
    }
    Subject subject = Subject.of(provider, type, options(type, usual));
    return DynamicContainer.dynamicContainer(
        type + " on " + subject.host(),
        Conformance.rules().stream().map(rule -> node(subject, rule, reporter)));
  }

  /** Checks a rule when JUnit asks for its node: only then it is known whether it is a test. */
  private static DynamicNode node(Subject subject, Rule rule, TestReporter reporter) {
    Result result = Conformance.check(subject, rule);
    if (!result.departures().isEmpty()) {
      reporter.publishEntry(
          subject.type() + " departs from " + rule.name(),
          result.departures().stream().map(Departure::what).collect(Collectors.joining("; ")));
    }
    if (result.outcome() == Result.Outcome.SKIPPED) {
      String skipped = rule + " skipped: " + result.reason();
      System.out.println(subject.type() + ": " + skipped);
      return DynamicContainer.dynamicContainer(skipped, Stream.empty());
    }
    return DynamicTest.dynamicTest(
        rule.toString(),
        () -> {
          if (result.outcome() == Result.Outcome.FAILED) {
            Assertions.fail(
                result.reason() + "\nThe rule: " + rule.says() + "\nWhy: " + rule.reason());
          }
        });
  }
}
