package org.kvmdev.cli.hosts;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;

/** What the recorded arm64 machines answered, answered by us. */
class ArmFactsTest {
  /** What is said about the recording, and no answer. */
  private static final List<String> REMARKS =
      List.of("host", "arch", "endian", "recorded_on", "online_host_cpus", "how_to_read", "gic");

  @ParameterizedTest
  @ValueSource(strings = {"arm64-gicv2-6.1", "arm64-gicv3-6.1"})
  void everyRecordedAnswer(String host) throws KvmException {
    Facts facts = Facts.of(host);
    Tally tally = new Tally(host);
    try (Kvm kvm = Kvm.load()) {
      new ArmSystemFacts(kvm, host, facts, tally).check();
      new ArmVcpuFacts(kvm, host, facts, tally).check();
      new ArmRegisterFacts(kvm, host, facts, tally).check();
      new ArmAttributeFacts(kvm, host, facts, tally).check();
      new ArmMemoryFacts(kvm, host, facts, tally).check();
      new ArmEventFacts(kvm, host, facts, tally).check();
    }
    tally.section("guest_hvc");
    tally.leaveOut(facts.size("guest_hvc"), "all", "firmware calls of a guest's CPU");
    tally.section("guest_mmio");
    tally.leaveOut(facts.size("guest_mmio"), "all", "instructions of a guest's CPU");
    tally.finish(facts, REMARKS);
  }
}
