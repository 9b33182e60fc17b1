package org.kvmdev.testkit.conformance;

import java.util.List;
import java.util.Set;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Machine;

/**
 * A device, or a KVM round it, with one mistake in it.
 *
 * @param mistake what is wrong, in a few words
 * @param rule the rule that must find it
 * @param others the rules that find it too, since they cannot but meet it
 * @param provider the device's provider
 * @param options with what it is checked
 */
record Broken(
    String mistake, String rule, Set<String> others, DeviceProvider provider, Options options) {
  /** For providers of the tests, which no jar lists. */
  static final Options FIXTURE =
      Options.DEFAULT.limit("provider_is_found_exactly_once", "a fixture of the tests");

  /** Which of the two reference types is broken. */
  DeviceType type() {
    List<DeviceType> types = provider.types();
    return types.getFirst();
  }

  /** A device whose mistake is in the device. */
  static Broken device(String mistake, String rule, Maker maker) {
    return of(
        mistake,
        rule,
        new LatchProvider() {
          @Override
          DeviceOps device(Machine machine) throws KvmException {
            return maker.make(machine);
          }
        });
  }

  static Broken of(String mistake, String rule, DeviceProvider provider) {
    return new Broken(mistake, rule, Set.of(), provider, FIXTURE);
  }

  /** A correct device in a KVM that makes a mistake. */
  static Broken kvm(String mistake, String rule, Options.Caller caller) {
    return new Broken(mistake, rule, Set.of(), new LatchProvider(), FIXTURE.caller(caller));
  }

  /** The same, which other rules meet too. */
  Broken alsoFinding(String... ruleNames) {
    return new Broken(mistake, rule, Set.of(ruleNames), provider, options);
  }

  Broken with(Options other) {
    return new Broken(mistake, rule, others, provider, other);
  }

  /** Makes a device. */
  @FunctionalInterface
  interface Maker {
    DeviceOps make(Machine machine) throws KvmException;
  }
}
