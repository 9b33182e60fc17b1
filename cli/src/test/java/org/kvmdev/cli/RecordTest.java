package org.kvmdev.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What this machine's own KVM answers to a small client (src/test/c/vfio.c), recorded and replayed:
 * with the testkit's reference device, which stands in for VFIO, as a plug-in.
 */
class RecordTest {
  private static final Path REFERENCE = Path.of("..", "testkit", "target", "test-classes");
  private static final String PROVIDER = "org.kvmdev.testkit.vfio.VfioProvider";
  private static final Path SOURCE = Path.of("src", "test", "c", "vfio.c");

  @TempDir private Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), arguments);
  }

  private static void need(boolean condition, String what) {
    if (!condition) {
      System.out.println("skipped: " + what);
    }
    assumeTrue(condition, what);
  }

  private Path client() throws IOException, InterruptedException {
    Path program = folder.resolve("vfio");
    Process compiler;
    try {
      compiler =
          new ProcessBuilder("cc", "-O2", "-o", program.toString(), SOURCE.toString())
              .inheritIO()
              .start();
    } catch (IOException e) {
      need(false, "there is no C compiler (on Debian: apt install gcc libc6-dev)");
      throw e;
    }
    assertEquals(0, compiler.waitFor());
    need(
        new ProcessBuilder(program.toString()).start().waitFor() == 0,
        "this machine has no /dev/kvm that can be used, with VFIO");
    return program;
  }

  /** The reference device as a jar like any third party's. */
  private Path plugins() throws IOException {
    Path jars = Files.createDirectory(folder.resolve("plugins"));
    try (OutputStream file = Files.newOutputStream(jars.resolve("vfio.jar"));
        JarOutputStream jar = new JarOutputStream(file);
        Stream<Path> all = Files.list(REFERENCE.resolve("org/kvmdev/testkit/vfio"))) {
      for (Path each :
          Stream.concat(
                  all,
                  Stream.of(REFERENCE.resolve("org/kvmdev/testkit/vfio/x86_64-6.18.properties")))
              .distinct()
              .toList()) {
        jar.putNextEntry(new JarEntry(REFERENCE.relativize(each).toString()));
        Files.copy(each, jar);
      }
      jar.putNextEntry(new JarEntry("META-INF/services/org.kvmdev.api.DeviceProvider"));
      jar.write(PROVIDER.getBytes());
    }
    return jars;
  }

  @Test
  void aRecordingOfThisMachinesKvmReplaysEqual() throws IOException, InterruptedException {
    Path client = client();
    String plugins = plugins().toString();
    Path recording = folder.resolve("vfio.kvmtrace.jsonl");
    int status =
        run(
            "--plugins",
            plugins,
            "record",
            "--host",
            "x86_64-6.18",
            "--output",
            recording.toString(),
            "--",
            client.toString());
    assertEquals(0, status, err::toString);
    List<String> lines = Files.readAllLines(recording);
    assertTrue(lines.get(1).startsWith("{\"call\":\"KVM_CREATE_VM\""), lines.get(1));
    assertTrue(
        lines.contains(
            "{\"call\":\"KVM_SET_DEVICE_ATTR\",\"dev\":\"dev0\",\"flags\":0,\"group\":1,"
                + "\"attr\":\"0x1\",\"in\":\"ffffffff\",\"ret\":-1,\"errno\":\"EBADF\"}"),
        () -> String.join("\n", lines));

    assertEquals(0, run("--plugins", plugins, "replay", recording.toString()));
    String equal = (lines.size() - 1) + " calls, " + (lines.size() - 1) + " equal";
    assertTrue(out.toString().contains(equal), out::toString);
  }
}
