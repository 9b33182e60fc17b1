package org.kvmdev.clients;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Debian's qemu-system-ppc for ppc64el, under qemu-user, with KVM. */
class QemuPowerTest {
  private static final Path ROOT = Clients.FOLDER.resolve("root-ppc64el").toAbsolutePath();

  /** What an e500 starts by itself; its machine is not made without. */
  private static final Path FIRMWARE = ROOT.resolve("usr/lib/u-boot/qemu-ppce500/uboot.elf");

  private static Qemu start(String name, String... more) throws IOException {
    return Qemu.onKvmdev(
        name,
        "ppc64-xics-6.1",
        ROOT,
        "qemu-system-ppc64",
        List.of("-M", "pseries,ic-mode=xics,kernel_irqchip=on", "-nodefaults"),
        more);
  }

  @Test
  void aPseriesMachineHasItsXicsInTheKernel() throws IOException {
    try (Qemu qemu = start("pseries-start")) {
      String pic = qemu.monitor("info pic");
      assertTrue(pic.contains("irqchip: in-kernel"), pic);
      assertTrue(pic.contains("CPU 0 XIRR=00000000"), pic);
      assertTrue(pic.contains("1000 MSI ff 00"), pic);
      String statistics = qemu.ask("query-stats", "{\"target\":\"vm\"}");
      assertTrue(statistics.contains("\"name\": \"num_2M_pages\", \"value\": 0"), statistics);
    }
  }

  @Test
  void itIsSavedAndRestoredAndIsTheSame() throws IOException {
    Path first = Clients.FOLDER.resolve("pseries-first").toAbsolutePath();
    Path second = Clients.FOLDER.resolve("pseries-second").toAbsolutePath();
    try (Qemu qemu = start("pseries-save")) {
      qemu.migrateTo(first);
    }
    try (Qemu qemu = start("pseries-restore", "-incoming", "exec:cat " + first)) {
      qemu.waitUntilRestored();
      qemu.migrateTo(second);
    }
    MigrationStream saved = MigrationStream.read(first);
    MigrationStream again = MigrationStream.read(second);
    for (String section : List.of("ics", "icp/server", "cpu")) {
      assertArrayEquals(saved.section(section, 0), again.section(section, 0), section);
    }
  }

  /** There is no such QEMU for big-endian POWER in Debian: this one sees the host in its order. */
  private static Qemu startE500(String... more) throws IOException {
    return Qemu.onKvmdev(
        "ppce500-start",
        "powerpc-e500v2-6.12",
        ROOT,
        "qemu-system-ppc",
        List.of(
            "-M",
            "ppce500,kernel_irqchip=on",
            "-cpu",
            "e500v2_v22",
            "-bios",
            FIRMWARE.toString(),
            "-nodefaults"),
        more);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "2"})
  void anE500MachineHasItsMpicInTheKernel(String cpus) throws IOException {
    try (Qemu qemu = startE500("-smp", cpus)) {
      assertTrue(qemu.monitor("info kvm").contains("kvm support: enabled"));
      String memory = qemu.monitor("info mtree");
      assertTrue(memory.contains("0000000fe0040000-0000000fe007ffff (prio 0, i/o): kvm-openpic"));
      // QEMU tells nothing of a kernel's MPIC.
      assertTrue(qemu.monitor("info pic").contains("\"return\": \"\""));
      String registers = qemu.monitor("info registers -a");
      assertTrue(registers.contains("CPU#" + (Integer.parseInt(cpus) - 1)), registers);
      // What only the host's tables have: the software TLB, the interrupt vectors' base.
      assertTrue(registers.contains("TLB0CFG 04110200 TLB1CFG 101cc010"), registers);
      assertTrue(registers.contains("IVPR 55550000"), registers);
      String statistics = qemu.ask("query-stats", "{\"target\":\"vcpu\"}");
      assertTrue(statistics.contains("\"name\": \"halt_wakeup\", \"value\": 0"), statistics);
    }
  }
}
