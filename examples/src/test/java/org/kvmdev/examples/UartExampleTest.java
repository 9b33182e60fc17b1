package org.kvmdev.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The example is built as its author would build it, and used as his users would use it. */
class UartExampleTest {
  @Test
  void itIsBuiltTestedAndListed() throws Exception {
    Path project = Installed.emptyFolder("uart16550");
    copy(Installed.ROOT.resolve("examples/uart16550"), project);
    String built = succeeds(project, "mvn -B verify");
    // The conformance rules are tests of their own: with them, there are more than fifty.
    assertTrue(
        built.matches("(?s).*Tests run: ([6-9]\\d|\\d{3}), Failures: 0, Errors: 0.*"), built);
    assertTrue(!built.contains("[WARNING]"), built);

    String kvmdev = "\"$KVMDEV/kvmdev\" --plugins target/uart16550-1.0.jar ";
    String list = succeeds(project, kvmdev + "list");
    String line = list.lines().filter(each -> each.contains("UART")).findFirst().orElseThrow();
    assertTrue(
        line.matches(
            "0x40016550 +KVM_DEV_TYPE_UART_16550 +uart16550-1.0.jar +com.example.uart +1.0 .*"),
        line);
    assertTrue(line.contains("arm64-gicv3-6.1") && line.contains("powerpc-e500v2-6.12"), line);
    assertTrue(!line.contains("ppc64"), line);
    for (String name : List.of("kvmdev-arm64", "kvmdev-powerpc")) {
      Path image = Images.linked(name);
      String taken =
          succeeds(project, image + "/bin/kvmdev --plugins target/uart16550-1.0.jar list");
      assertTrue(
          taken.lines().anyMatch(each -> each.matches("0x40016550 .*" + name.substring(7) + "-.*")),
          taken);
    }
    String described = succeeds(project, kvmdev + "describe KVM_DEV_TYPE_UART_16550");
    assertTrue(
        described.lines().anyMatch(each -> each.matches(" *0x5 +LSR +1 +rw +0x60 .*")), described);
  }

  private static String succeeds(Path folder, String line) throws Exception {
    Installed.Run run = Installed.run(folder, line);
    assertEquals(0, run.code(), run::output);
    return run.output();
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path relative = from.relativize(file);
        if (!relative.startsWith("target")) {
          Path copy = to.resolve(relative);
          Files.createDirectories(copy.getParent());
          Files.copy(file, copy);
        }
      }
    }
  }
}
