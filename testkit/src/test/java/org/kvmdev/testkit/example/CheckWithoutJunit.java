package org.kvmdev.testkit.example;

import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.testkit.conformance.Conformance;
import org.kvmdev.testkit.conformance.Options;
import org.kvmdev.testkit.conformance.Result;
import org.kvmdev.testkit.conformance.Rule;
import org.kvmdev.testkit.conformance.Subject;

/** Holds a provider's device types to the rules, without a test framework. */
public final class CheckWithoutJunit {
  private CheckWithoutJunit() {}

  public static boolean conforms(DeviceProvider provider) {
    boolean conforms = true;
    for (DeviceType type : provider.types()) {
      Subject subject = Subject.of(provider, type, Options.DEFAULT.seed(0x2a));
      for (Rule rule : Conformance.rules()) {
        Result result = Conformance.check(subject, rule);
        System.out.println(result);
        conforms &= result.outcome() != Result.Outcome.FAILED;
      }
    }
    return conforms;
  }
}
