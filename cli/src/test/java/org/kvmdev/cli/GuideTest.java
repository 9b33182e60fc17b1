package org.kvmdev.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The VMM guide's example fails and then passes as the guide says, line for line. */
class GuideTest {
  private static final Path GUIDE = Path.of("..", "docs", "vmm-guide.md");
  private static final String MISTAKE = "0x80c0000 | 2";
  private static final String CURE = "0x80c0000 | 1";

  @TempDir private Path folder;

  private static String block(String guide, String regex) {
    Matcher matcher = Pattern.compile("```\\w*\n(" + regex + ")```", Pattern.DOTALL).matcher(guide);
    assertTrue(matcher.find(), () -> "the guide has no block " + regex);
    return matcher.group(1);
  }

  private String run(int status, String option, Path program) {
    StringWriter err = new StringWriter();
    PrintWriter out = new PrintWriter(err, true);
    String[] arguments = {"run", "--host", "arm64-gicv3-6.1", option, "--", program.toString()};
    assertEquals(status, Main.run(out, out, arguments), err::toString);
    return err.toString().replaceAll("(?m)^\\d+: ", "4711: ");
  }

  private Path compile(String source) throws IOException, InterruptedException {
    Path file = Files.writeString(folder.resolve("region.c"), source);
    Path program = folder.resolve("region");
    List<String> command =
        List.of("cc", "-Wall", "-Wextra", "-Werror", "-o", program.toString(), file.toString());
    try {
      assertEquals(0, new ProcessBuilder(command).inheritIO().start().waitFor());
    } catch (IOException e) {
      System.out.println("skipped: there is no C compiler (on Debian: apt install gcc libc6-dev)");
      assumeTrue(false, "there is no C compiler");
    }
    return program;
  }

  @Test
  void itsExampleFailsAndThenPasses() throws IOException, InterruptedException {
    String guide = Files.readString(GUIDE);
    String source = block(guide, "#include <fcntl.h>.*?");
    List<String> shown = block(guide, "\\$ aarch64-linux-gnu-gcc .*?").lines().skip(1).toList();
    List<String> summary = block(guide, "\\$ kvmdev/kvmdev run --summary.*?").lines().toList();

    Path failing = compile(source);
    List<String> said = run(1, "--log", failing).lines().toList();
    assertEquals(shown.subList(0, shown.size() - 1), said);
    assertEquals("1", shown.getLast());
    assertEquals(summary.subList(1, summary.size()), run(1, "--summary", failing).lines().toList());

    assertTrue(source.contains(MISTAKE) && guide.contains(CURE));
    run(0, "--log", compile(source.replace(MISTAKE, CURE)));
  }
}
