package org.kvmdev.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertLinesMatch;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs for Linux's KVM, as their users run them. */
class RunTest {
  private static final String HOST = "arm64-gicv3-6.1";
  private static final Path SOURCE = Path.of("src", "test", "c", "region.c");
  private static final Path CLIENT = Path.of("..", "bridge", "src", "test", "c", "client.c");

  /** Asks for what no arm64 has. */
  private static final String ODD =
      """
      #include <fcntl.h>
      #include <linux/kvm.h>
      #include <sys/ioctl.h>
      int main(void)
      {
      	struct kvm_enable_cap none = {0};
      	int kvm = open("/dev/kvm", O_RDWR);
      	int vm = ioctl(kvm, KVM_CREATE_VM, 0);
      	int refused = ioctl(vm, KVM_SET_TSS_ADDR, 0x1000) + ioctl(kvm, _IO(KVMIO, 0x1f), 0) +
      		ioctl(kvm, _IO(KVMIO, 0x1f), 1) + ioctl(vm, KVM_ENABLE_CAP, &none);
      	return refused == -4 ? 0 : 1;
      }
      """;

  @TempDir private Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), arguments);
  }

  private void complains(String text) {
    assertTrue(err.toString().contains(text), () -> text + " is not in: " + err);
  }

  /** Compiles the client; skips the test, with the reason, where that cannot be. */
  private Path client(String... options) throws IOException, InterruptedException {
    return compile(SOURCE, options);
  }

  private Path compile(Path source, String... options) throws IOException, InterruptedException {
    Path program = folder.resolve(source.getFileName().toString().replace(".c", ""));
    List<String> command = new ArrayList<>(List.of("cc", "-O2", "-Wall", "-Wextra", "-Werror"));
    command.addAll(List.of(options));
    command.addAll(List.of("-o", program.toString(), source.toString()));
    try {
      boolean compiled = new ProcessBuilder(command).inheritIO().start().waitFor() == 0;
      assumeTrue(compiled, "the C compiler cannot make such a program");
    } catch (IOException e) {
      System.out.println("skipped: there is no C compiler (on Debian: apt install gcc libc6-dev)");
      assumeTrue(false, "there is no C compiler");
    }
    return program;
  }

  @Test
  void aProgramsExitCodeIsTheCommands() throws IOException, InterruptedException {
    String client = client().toString();
    assertEquals(0, run("run", "--host", HOST, "--", client), err::toString);
    assertEquals(7, run("run", "--host", HOST, "--", client, "7"), err::toString);
    assertEquals(128 + 9, run("run", "--host", HOST, "--", "sh", "-c", "kill -9 $$"));
  }

  @Test
  void theLogHasEachRequestWithTheReasonOfARefusal() throws IOException, InterruptedException {
    assertEquals(0, run("run", "--host", HOST, "--log", "--", client().toString()), err::toString);
    complains(": KVM_CREATE_VM 0 → fd ");
    complains(": KVM_CREATE_DEVICE KVM_DEV_TYPE_ARM_VGIC_V3 → fd ");
    complains(": SET vgic-v3 ADDR/REDIST_REGION = 0x100000080a0000 → 0");
    assertTrue(
        err.toString()
            .lines()
            .anyMatch(
                line ->
                    line.matches(
                        "\\d+: SET vgic-v3 ADDR/REDIST_REGION = 0x100000080c0002 → EINVAL:.*next.*"
                            + " 1")),
        err::toString);
  }

  @Test
  void theSummaryCountsRequestsByKindAndRefusalsByErrno() throws IOException, InterruptedException {
    assertEquals(0, run("run", "--host", HOST, "--summary", "--", client().toString()));
    assertLinesMatch(
        List.of(
            "kvmdev: 4 requests, 1 refused",
            "ON        REQUEST            CALLS  REFUSED",
            "/dev/kvm  KVM_CREATE_VM      1",
            "vm        KVM_CREATE_DEVICE  1",
            "vgic-v3   SET ADDR           2      EINVAL 1"),
        err.toString().lines().toList());
  }

  @Test
  void theSummaryNamesWhatNobodyHas() throws IOException, InterruptedException {
    Path source = Files.writeString(folder.resolve("odd.c"), ODD);
    assertEquals(0, run("run", "--host", HOST, "--summary", "--", compile(source).toString()));
    complains("vm        KVM_SET_TSS_ADDR  1      EINVAL 1");
    complains("kvmdev: neither the host nor a device has KVM_SET_TSS_ADDR on a VM (1)");
    complains("kvmdev: neither the host nor a device has 0xae1f on /dev/kvm (2)");
    assertFalse(err.toString().contains("has KVM_ENABLE_CAP"), err::toString);
  }

  /** A request that nobody has is named in the log, once. */
  @Test
  void whatNobodyHasIsToldOnce() throws IOException, InterruptedException {
    Path source = Files.writeString(folder.resolve("odd.c"), ODD);
    String program = compile(source).toString();
    try (OwnProcess kvmdev =
        new OwnProcess(folder, Map.of(), "run", "--host", HOST, "--", program)) {
      assertEquals(0, kvmdev.status(), kvmdev.output());
      List<String> told =
          kvmdev.output().lines().filter(line -> line.contains("has no such request")).toList();
      assertLinesMatch(
          List.of(
              ".*KVM_SET_TSS_ADDR on a VM: host arm64-gicv3-6.1 has no such request",
              ".*0xae1f on /dev/kvm: host arm64-gicv3-6.1 has no such request"),
          told);
    }
  }

  /** What kvmdev answered, it answers again. */
  @ParameterizedTest
  @ValueSource(strings = {"attributes", "faults", "descriptors", "forking", "running", "threads"})
  void aRecordingOfARunReplaysEqual(String test) throws IOException, InterruptedException {
    String client = compile(CLIENT, "-lpthread").toString();
    String recording = folder.resolve(test + ".kvmtrace.jsonl").toString();
    assertEquals(
        0, run("run", "--host", HOST, "--record", recording, "--", client, test), err::toString);
    List<String> lines = Files.readAllLines(Path.of(recording));
    complains("kvmdev: " + (lines.size() - 1) + " calls in " + recording);
    assertTrue(lines.size() > 5, lines::toString);
    assertTrue(lines.getFirst().contains("\"host\":\"" + HOST + "\""), lines::getFirst);
    assertEquals(0, run("replay", recording), out::toString);
    String equal = (lines.size() - 1) + " calls, " + (lines.size() - 1) + " equal";
    assertTrue(out.toString().contains(equal), out::toString);
  }

  @Test
  void aRecordingThatCannotBeWrittenIsRefused() throws IOException, InterruptedException {
    String nowhere = folder.resolve("no-folder/file").toString();
    String client = client().toString();
    assertEquals(2, run("run", "--host", HOST, "--record", nowhere, "--", client));
    complains("the recording " + nowhere + " cannot be written");
  }

  @Test
  void aStaticProgramIsRefusedAtOnce() throws IOException, InterruptedException {
    assertEquals(2, run("run", "--host", HOST, "--", client("-static").toString()));
    complains("is linked statically");
    assertEquals(2, run("record", "--", folder.resolve("region").toString()));
  }

  @Test
  void whatCannotBeRunIsRefusedWithTheReason() throws IOException {
    assertEquals(2, run("run", "--host", HOST, "--", "/there/is/none"));
    complains("there is no program /there/is/none");
    Path text = folder.resolve("text");
    Files.writeString(text, "neither".repeat(20));
    assertEquals(2, run("run", "--host", HOST, "--", text.toString()));
    complains("is neither a program for Linux nor a script");
    assertEquals(2, run("run", "--host", "arm64-gicv4", "--", "sh"));
    complains("there is no host arm64-gicv4");
    assertEquals(2, run("run", "--host", HOST, "--run", "jump", "--", "sh"));
    complains("there are wait and exit");
    assertEquals(2, run("library", "pdp11"));
    complains("there is one for arm64, ppc64, powerpc, x86_64");
  }

  @Test
  void aSocketThatIsAFileIsLeftAlone() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "precious");
    assertEquals(2, run("serve", "--socket", file.toString()));
    complains("is a file or folder");
    assertEquals("precious", Files.readString(file));
  }
}
