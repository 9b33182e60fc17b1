package org.kvmdev.cli.hosts;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;

/**
 * A real QEMU's calls, from its start to its migration and back, are answered as it was answered.
 */
class ClientLogTest {
  @ParameterizedTest
  @ValueSource(strings = {"ppc64-xics-6.1.qemu", "ppc64-xics-6.1.qemu-smp2"})
  void everyAnswerIsTheKernels(String log) throws KvmException {
    Tally tally = new Tally(log);
    try (Kvm kvm = Kvm.load()) {
      ClientLog.replay(kvm, log + ".clientlog.jsonl", tally);
    }
    tally.finish();
  }
}
