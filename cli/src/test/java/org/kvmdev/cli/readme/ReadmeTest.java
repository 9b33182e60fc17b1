package org.kvmdev.cli.readme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The README's examples: what it shows is what is compiled and run here. */
class ReadmeTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();

  /** An example's main method. */
  @FunctionalInterface
  private interface Example {
    void main(String[] arguments) throws Exception;
  }

  private static List<String> printed(Example example) throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      example.main(new String[0]);
    } finally {
      System.setOut(before);
    }
    return bytes.toString(StandardCharsets.UTF_8).lines().toList();
  }

  private static void isInTheReadme(String text) throws IOException {
    String readme = Files.readString(ROOT.resolve("README.md"));
    assertTrue(readme.contains(text), () -> "the README does not show:\n" + text);
  }

  private static void showsSource(String name) throws IOException {
    String source =
        Files.readString(ROOT.resolve("cli/src/test/java/org/kvmdev/cli/readme/" + name + ".java"));
    isInTheReadme(source.substring(source.indexOf("import ")));
  }

  @Test
  void theControlPlaneIsWhatTheReadmeShows() throws Exception {
    showsSource("ControlPlane");
    List<String> lines = printed(ControlPlane::main);
    assertEquals(2, lines.size(), lines::toString);
    assertTrue(lines.get(0).startsWith("EINVAL: "), lines::toString);
    assertEquals("EIVPR3 is 0x50042", lines.get(1));
    isInTheReadme(String.join("\n", lines));
  }

  @Test
  @Timeout(20)
  void theEmulatorsLoopIsWhatTheReadmeShows() throws Exception {
    showsSource("EmulatorLoop");
    List<String> lines = printed(EmulatorLoop::main);
    assertEquals(
        List.of(
            "CPU 0 took vector 0x40",
            "CPU 1 took vector 0x41",
            "CPU 0 took vector 0x42",
            "CPU 1 took vector 0x43"),
        lines);
    isInTheReadme(String.join("\n", lines));
  }

  @Test
  @Timeout(20)
  void theGicsLoopIsWhatTheReadmeShows() throws Exception {
    showsSource("GicLoop");
    List<String> lines = printed(GicLoop::main);
    assertEquals(
        List.of(
            "CPU 0 took interrupt 40",
            "CPU 1 took interrupt 40",
            "CPU 0 took interrupt 40",
            "CPU 1 took interrupt 40"),
        lines);
    isInTheReadme(String.join("\n", lines));
  }
}
