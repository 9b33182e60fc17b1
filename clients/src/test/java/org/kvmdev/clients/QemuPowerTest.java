package org.kvmdev.clients;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Debian's qemu-system-ppc for ppc64el, under qemu-user, with KVM. */
class QemuPowerTest {
  private static final Path ROOT = Clients.FOLDER.resolve("root-ppc64el").toAbsolutePath();

  private static Qemu start(String... more) throws IOException {
    return Qemu.onKvmdev(
        "ppc64-xics-6.1",
        ROOT,
        "qemu-system-ppc64",
        List.of("-M", "pseries,ic-mode=xics,kernel_irqchip=on", "-nodefaults"),
        more);
  }

  @Test
  void aPseriesMachineHasItsXicsInTheKernel() throws IOException {
    try (Qemu qemu = start()) {
      String pic = qemu.monitor("info pic");
      assertTrue(pic.contains("irqchip: in-kernel"), pic);
      assertTrue(pic.contains("CPU 0 XIRR=00000000"), pic);
      assertTrue(pic.contains("1000 MSI ff 00"), pic);
    }
  }

  @Test
  void itIsSavedAndRestoredAndIsTheSame() throws IOException {
    Path first = Clients.FOLDER.resolve("pseries-first").toAbsolutePath();
    Path second = Clients.FOLDER.resolve("pseries-second").toAbsolutePath();
    try (Qemu qemu = start()) {
      qemu.migrateTo(first);
    }
    try (Qemu qemu = start("-incoming", "exec:cat " + first)) {
      qemu.waitUntilRestored();
      qemu.migrateTo(second);
    }
    MigrationStream saved = MigrationStream.read(first);
    MigrationStream again = MigrationStream.read(second);
    for (String section : List.of("ics", "icp/server", "cpu")) {
      assertArrayEquals(saved.section(section, 0), again.section(section, 0), section);
    }
  }
}
