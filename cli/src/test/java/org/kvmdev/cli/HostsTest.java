package org.kvmdev.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.KvmProcess;
import org.kvmdev.runtime.ioctl.Request;

/** The bundled hosts' files: whole, read without a mistake, and honest about what is not built. */
class HostsTest {
  /** What is built of what hosts advertise, by capability; all else they advertise is listed. */
  private static final Set<Integer> BUILT =
      Set.of(
          0, // IRQCHIP: KVM_CREATE_IRQCHIP
          3, // USER_MEMORY
          9, 66, 128, // NR_VCPUS, MAX_VCPUS, MAX_VCPU_ID
          10, 16, 21, 30, 81, 231, // of memory slots
          14, // MP_STATE
          43, 67, // PPC_SEGSTATE, PPC_HIOR: registers
          53, 58, // PPC_UNSET_IRQ, PPC_IRQ_LEVEL: KVM_INTERRUPT
          57, 78, 151, // PPC_GET_PVINFO, PPC_GET_SMMU_INFO, PPC_GET_CPU_CHAR
          62, 69, // PPC_BOOKE_SREGS, SW_TLB
          63, 125, // SPAPR_TCE, SPAPR_TCE_64
          64, 147, // PPC_SMT, PPC_SMT_POSSIBLE
          80, 84, 133, 134, // PPC_ALLOC_HTAB, PPC_HTAB_FD, SPAPR_RESIZE_HPT, PPC_MMU_RADIX
          32, 36, 82, 122, // IRQFD, IOEVENTFD
          41, 158, // VCPU_EVENTS
          70, // ONE_REG
          127, // VCPU_ATTRIBUTES
          168, // MANUAL_DIRTY_LOG_PROTECT2
          25, // IRQ_ROUTING
          54, 98, // ENABLE_CAP on vCPUs, on VMs
          68, 91, 92, 104, // PAPR, RTAS, XICS, hypercalls
          77, 131, // SIGNAL_MSI, MSI_DEVID
          88, // ARM_SET_DEVICE_ADDR
          89, // DEVICE_CTRL
          90, // IRQ_MPIC
          105, // CHECK_EXTENSION_VM
          165, // ARM_VM_IPA_SIZE: a VM's type
          174); // ARM_IRQ_LINE_LAYOUT_2

  static Stream<Host> hosts() {
    return Kvm.load().hosts().stream();
  }

  @Test
  void everyRecordedMachineOfABundledFamilyIsThere() {
    assertEquals(
        Set.of("arm64-gicv2-6.1", "arm64-gicv3-6.1", "powerpc-e500v2-6.12", "ppc64-xics-6.1"),
        new TreeSet<>(hosts().map(Host::name).toList()));
  }

  @ParameterizedTest
  @MethodSource("hosts")
  void everyValueCanBeRead(Host host) {
    for (String key : host.keys()) {
      if (key.endsWith(".ioctl") || key.endsWith(".attrs") || key.matches(".*\\.(taken|unknown)")) {
        host.errno(key, Errno.EINVAL);
      } else if (key.startsWith("cap.") && Character.isLetter(host.text(key).charAt(0))) {
        host.errno(key, Errno.EINVAL);
      } else if (key.startsWith("enable.") && Character.isLetter(host.text(key).charAt(0))) {
        if (!Set.of("any", "u32").contains(host.text(key))) {
          host.errno(key, Errno.EINVAL);
        }
      } else if (key.startsWith("file.")) {
        assertTrue(HexFormat.of().parseHex(host.text(key)).length > 0, () -> key + " has no byte");
      } else if (key.startsWith("text.")) {
        assertFalse(host.text(key).isBlank(), () -> key + " has no line");
      } else if (!Set.of("architecture", "endian", "kernel", "ioctl.encoding", "vm.types")
          .contains(key)) {
        assertTrue(!host.numbers(key).isEmpty(), () -> host + ": " + key + " has no number");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("hosts")
  void everyKeyThatTheRuntimeReadsIsSaid(Host host) {
    for (String key :
        List.of(
            "kernel",
            "ioctl.encoding",
            "word.bits",
            "page.size",
            "user.end",
            "devices",
            "vm.types",
            "vm.ioctl",
            "vcpu.ioctl",
            "kvm.ioctl",
            "vcpus.max",
            "vcpu.taken",
            "vcpu.mmap",
            "pins",
            "routing.chips",
            "routing.pins",
            "onereg.unknown")) {
      assertTrue(host.has(key), () -> host + " does not say " + key);
    }
    assertEquals(host.number("vcpus.max", 0), host.number("cap.66", 0), "KVM_CAP_MAX_VCPUS");
    assertEquals(
        host.number("cap.25", 0) != 0, host.number("routing.chips", 0) != 0, "KVM_CAP_IRQ_ROUTING");
    assertEquals(host.number("cap.127", 0) != 0, host.has("vcpu.attrs"), "KVM_CAP_VCPU_ATTRIBUTES");
    assertEquals(host.number("cap.101", 0) != 0, host.has("vm.attrs"), "KVM_CAP_VM_ATTRIBUTES");
  }

  @ParameterizedTest
  @MethodSource("hosts")
  void aVmCanBeMadeWhoseAnswersAreTheFiles(Host host) throws KvmException {
    try (Kvm kvm = Kvm.load();
        var vm = kvm.createVm(host, 0)) {
      for (String key : host.keys()) {
        if (key.matches("cap\\.[0-9]+")) {
          int capability = Integer.parseInt(key.substring(4));
          assertEquals(host.number(key, -1), vm.checkExtension(capability), key);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("hosts")
  void whatIsAdvertisedIsBuiltOrListed(Host host) throws IOException {
    Set<Integer> listed = new HashSet<>();
    Matcher matcher =
        Pattern.compile("KVM_CAP_\\w+ \\((\\d+)\\)")
            .matcher(Files.readString(Path.of("..", "docs", "deviations.md")));
    while (matcher.find()) {
      listed.add(Integer.parseInt(matcher.group(1)));
    }
    Set<String> missing = new TreeSet<>();
    for (String key : host.keys()) {
      Matcher capability = Pattern.compile("cap\\.(?:kvm\\.)?(\\d+)").matcher(key);
      if (capability.matches() && !host.text(key).equals("0")) {
        int number = Integer.parseInt(capability.group(1));
        if (!BUILT.contains(number) && !listed.contains(number)) {
          missing.add(key);
        }
        assertTrue(
            !BUILT.contains(number) || !listed.contains(number),
            () -> number + " is said to be built and not built");
      }
    }
    assertEquals(Set.of(), missing, "neither built nor in docs/deviations.md");
  }

  /** A program of another byte order and width of words gets the same answers, in its own. */
  @Test
  void aHostIsSeenInAProgramsOrderAndWidth() throws KvmException {
    try (Kvm kvm = Kvm.load()) {
      Host host = kvm.host("powerpc-e500v2-6.12");
      assertSame(host, host.seenBy(ByteOrder.BIG_ENDIAN, 32));
      Host seen = host.seenBy(ByteOrder.LITTLE_ENDIAN, 64);
      assertEquals(host.name(), seen.name());
      assertEquals(ByteOrder.LITTLE_ENDIAN, seen.byteOrder());
      assertFalse(seen.has("user.end"));
      assertTrue(host.seenBy(ByteOrder.LITTLE_ENDIAN, 32).has("user.end"));
      // KVM_PPC_GET_PVINFO: a number, and instructions.
      assertEquals("00000001" + "3c004b56", begin(kvm, host));
      assertEquals("01000000" + "3c004b56", begin(kvm, seen));
    }
  }

  private static String begin(Kvm kvm, Host host) throws KvmException {
    try (KvmProcess process = new KvmProcess(kvm, host)) {
      int system = process.openKvm();
      int vm = (int) process.ioctl(system, process.requests().of(Request.CREATE_VM), 0);
      long page = process.memory().map(4096);
      process.ioctl(vm, 0x8080aea1, page);
      byte[] bytes = new byte[8];
      process.memory().read(page, bytes, 0, bytes.length);
      return HexFormat.of().formatHex(bytes);
    }
  }
}
