package org.kvmdev.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.bridge.BridgeOptions;
import org.kvmdev.bridge.BridgeServer;
import org.kvmdev.bridge.HostView;
import org.kvmdev.bridge.Program;
import org.kvmdev.clients.Clients.Outcome;
import org.kvmdev.runtime.Kvm;

/**
 * The kernel's own selftest vgic_init, unmodified: it passes, and it fails where the model has an
 * error, so that it is known to look. It is run on {@link LenientHosts}.
 */
class VgicInitTest {
  private static final String VGIC_INIT = Clients.FOLDER.resolve("vgic_init").toString();

  @ParameterizedTest
  @ValueSource(strings = {"arm64-gicv2-6.1", "arm64-gicv3-6.1"})
  void passes(String host) {
    String plugins = LenientHosts.plugins().toString();
    Outcome outcome =
        Clients.kvmdevRun(
            List.of(
                "--plugins",
                plugins,
                "--host",
                LenientHosts.lenient(host),
                "--run",
                "exit",
                "--summary"),
            VGIC_INIT);
    assertEquals(0, outcome.status(), outcome.output());
    assertTrue(outcome.output().contains("Running GIC_v" + host.charAt(10)), outcome.output());
    Clients.keepSummary("vgic_init-" + host, outcome.output());
  }

  /** On the recorded kernel, the test itself stumbles over the VM that its first refusal killed. */
  @ParameterizedTest
  @ValueSource(strings = {"arm64-gicv2-6.1", "arm64-gicv3-6.1"})
  void onTheRecordedKernelItEndsWithTheVmThatItKilled(String host) {
    Outcome outcome = Clients.kvmdevRun(List.of("--host", host, "--run", "exit"), VGIC_INIT);
    assertNotEquals(0, outcome.status());
    assertTrue(
        outcome.output().contains("KVM_SET_USER_MEMORY_REGION failed, rc: -1 errno: 5"),
        outcome.output());
  }

  private static Outcome run(Kvm kvm, Path folder) throws Exception {
    BridgeOptions exits =
        new BridgeOptions(LenientHosts.lenient("arm64-gicv3-6.1"), BridgeOptions.Run.EXIT, null);
    try (BridgeServer server = BridgeServer.open(folder.resolve("kvm.sock"), kvm, exits)) {
      return Clients.finish(
          Program.of(List.of(VGIC_INIT), null).starter(server.socket(), HostView.MACHINE));
    }
  }

  @ParameterizedTest
  @EnumSource(SeededError.class)
  void failsWhereTheModelHasAnError(SeededError error, @TempDir Path folder) throws Exception {
    try (Kvm kvm = FaultyProvider.kvm(error)) {
      Outcome outcome = run(kvm, folder);
      assertNotEquals(0, outcome.status(), () -> error + " was not found");
      assertTrue(outcome.output().contains("Test Assertion Failure"), outcome.output());
    }
  }

  /** The layer that errors are seeded in has none of its own. */
  @Test
  void passesThroughTheLayerWithoutAnError(@TempDir Path folder) throws Exception {
    try (Kvm kvm = FaultyProvider.kvm(null)) {
      Outcome outcome = run(kvm, folder);
      assertEquals(0, outcome.status(), outcome.output());
    }
  }
}
