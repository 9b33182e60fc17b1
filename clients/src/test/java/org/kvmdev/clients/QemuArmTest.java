package org.kvmdev.clients;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Debian's qemu-system-arm for arm64, under qemu-user, with KVM. */
class QemuArmTest {
  private static final Path ROOT = Clients.FOLDER.resolve("root-arm64").toAbsolutePath();
  private static final String PROGRAM = "qemu-system-aarch64";

  /** In a GIC's ITS as QEMU saves it: where GITS_CBASER begins. */
  private static final int CBASER_AT = 8;

  /** A machine may be loaded, and then a JVM's start counts more. */
  private static final int MOST_TIMES = 4;

  private static Qemu start(String name, String host, String machine, String... more)
      throws IOException {
    return Qemu.onKvmdev(
        name, host, ROOT, PROGRAM, List.of("-M", machine, "-cpu", "host", "-smp", "4"), more);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "arm64-gicv3-6.1; virt,gic-version=3,its=on; arm_gicv3",
        "arm64-gicv2-6.1; virt,gic-version=2; arm_gic"
      })
  void itIsSavedAndRestoredAndIsTheSame(String host, String machine, String gic)
      throws IOException {
    Path first = Clients.FOLDER.resolve(gic + "-first").toAbsolutePath();
    Path second = Clients.FOLDER.resolve(gic + "-second").toAbsolutePath();
    try (Qemu qemu = start(host + "-save", host, machine)) {
      qemu.migrateTo(first);
    }
    try (Qemu qemu = start(host + "-restore", host, machine, "-incoming", "exec:cat " + first)) {
      qemu.waitUntilRestored();
      qemu.migrateTo(second);
    }
    MigrationStream saved = MigrationStream.read(first);
    MigrationStream again = MigrationStream.read(second);
    assertArrayEquals(saved.section(gic, 0), again.section(gic, 0));
    for (int cpu = 0; cpu < 4; cpu++) {
      assertArrayEquals(saved.section("cpu", cpu), again.section("cpu", cpu), "CPU " + cpu);
    }
    if (machine.contains("its=on")) {
      byte[] its = saved.section("arm_gicv3_its", 0);
      byte[] itsAgain = again.section("arm_gicv3_its", 0);
      // A GITS_CBASER of 0 that is written reads back cacheable, in Linux too.
      assertEquals(0x18, itsAgain[CBASER_AT]);
      itsAgain[CBASER_AT] = 0;
      assertArrayEquals(its, itsAgain);
    }
  }

  /** How long it takes to the monitor, against its own start without KVM. */
  @Test
  void itsStartIsMeasuredAgainstItsStartWithoutKvm() throws IOException {
    List<String> tcg =
        List.of(
            "qemu-aarch64",
            "-L",
            ROOT.toString(),
            ROOT.resolve("usr/bin").resolve(PROGRAM).toString(),
            "-M",
            "virt,gic-version=3,its=on",
            "-cpu",
            "cortex-a57",
            "-accel",
            "tcg",
            "-S",
            "-smp",
            "4",
            "-m",
            "256");
    long least = Long.MAX_VALUE;
    long leastTcg = Long.MAX_VALUE;
    for (int i = 0; i < 5; i++) {
      try (Qemu qemu = Qemu.start(tcg)) {
        leastTcg = Math.min(leastTcg, qemu.nanosToMonitor());
      }
      try (Qemu qemu = start("", "arm64-gicv3-6.1", "virt,gic-version=3,its=on")) {
        least = Math.min(least, qemu.nanosToMonitor());
      }
    }
    System.out.printf(
        "QEMU to its monitor: %d ms with KVM on kvmdev, %d ms with TCG: %.2f times%n",
        least / 1_000_000, leastTcg / 1_000_000, (double) least / leastTcg);
    // The aim is 2 times, on a machine with little else to do; here a loaded one counts too.
    assertTrue(least <= MOST_TIMES * leastTcg, least + " ns against " + leastTcg);
  }
}
