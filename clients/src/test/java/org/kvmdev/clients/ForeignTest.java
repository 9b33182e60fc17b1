package org.kvmdev.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.clients.Clients.Outcome;

/** Programs of other architectures than this machine's, under qemu-user. */
class ForeignTest {
  private static final Path PORTABLE = Path.of("src", "test", "c", "portable.c");
  private static final Path CLIENT = Clients.BRIDGE.resolve("client.c");

  /** What kvmdev says that has to be installed is what Debian has. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "gcc",
        "libc6-dev",
        "qemu-user",
        "gcc-aarch64-linux-gnu",
        "libc6-arm64-cross",
        "gcc-powerpc64le-linux-gnu",
        "libc6-ppc64el-cross",
        "gcc-powerpc-linux-gnu",
        "libc6-powerpc-cross"
      })
  void aPackageThatIsNamedThereIs(String name) {
    Outcome outcome = Clients.run(List.of("apt-cache", "show", name));
    assertEquals(0, outcome.status(), outcome.output());
    assertTrue(outcome.output().contains("Package: " + name + "\n"), outcome.output());
  }

  @ParameterizedTest
  @CsvSource({
    "aarch64, arm64-gicv2-6.1, 5, 0, 0, 0x8000000",
    "aarch64, arm64-gicv3-6.1, 7, 0, 2, 0x8000000",
    "powerpc64le, ppc64-xics-6.1, 3, 1, 0x1000, 0x2ff00000000",
    "powerpc, powerpc-e500v2-6.12, 2, 1, 0, 0xe0040000"
  })
  void aProgramOfEachArchitectureIsServed(
      String machine, String host, String type, String group, String attr, String value) {
    Outcome outcome =
        Clients.kvmdevRun(
            List.of("--host", host),
            Clients.build(machine, PORTABLE).toString(),
            type,
            group,
            attr,
            value);
    assertEquals(0, outcome.status(), outcome.output());
    assertTrue(outcome.output().contains(value), outcome.output());
    // What is rehearsed meanwhile has requests that not each host has.
    assertFalse(outcome.output().contains("WARNING"), outcome.output());
  }

  /**
   * The bridge's own client; not "executing" and "spawning", which need a machine that knows how
   * to.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "opening",
        "opening-by-how",
        "reopening",
        "streams",
        "attributes",
        "faults",
        "descriptors",
        "limits",
        "forking",
        "passing",
        "mapping",
        "statistics",
        "threads",
        "many",
        "running",
        "masked",
        "events",
        "handlers",
        "jumping",
        "forking-handlers",
        "telling",
        "actions",
        "raw-handler"
      })
  void underQemuUserAProgramSeesAKernelToo(String test) {
    Outcome outcome =
        Clients.kvmdevRun(List.of(), Clients.build("aarch64", CLIENT).toString(), test);
    assertEquals(0, outcome.status(), outcome.output());
  }
}
