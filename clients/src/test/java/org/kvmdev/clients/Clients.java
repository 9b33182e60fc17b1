package org.kvmdev.clients;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Programs that were written for Linux's KVM, and how they are run. */
final class Clients {
  /** What setup has put there. */
  static final Path FOLDER = Path.of(System.getProperty("kvmdev.clients"));

  static final Path KVMDEV =
      Path.of(
          System.getProperty("kvmdev.command", "../cli/target/distributions/kvmdev/bin/kvmdev"));

  /** The bridge's own clients, and what they have in common. */
  static final Path BRIDGE = Path.of("..", "bridge", "src", "test", "c");

  private static final long PATIENCE_SECONDS = 600;

  private Clients() {}

  /** What a program said, its errors included, and how it ended. */
  record Outcome(int status, String output) {}

  /**
   * Leaves the summary of a client's requests in a file, of what the client has said.
   *
   * @throws AssertionError where it asked for what neither the host nor a device has
   */
  static void keepSummary(String name, String said) {
    Matcher summary =
        Pattern.compile("^kvmdev: \\d+ requests, .*", Pattern.DOTALL | Pattern.MULTILINE)
            .matcher(said);
    if (!summary.find()) {
      throw new AssertionError("there is no summary: " + said);
    }
    if (said.contains("neither the host nor a device has")) {
      throw new AssertionError(said);
    }
    try {
      Path folder = Files.createDirectories(FOLDER.resolve("summaries"));
      Files.writeString(folder.resolve(name + ".txt"), summary.group());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Builds a program of the tests for a machine, by the begin of its compiler's name. */
  static Path build(String machine, Path source) {
    Path program =
        FOLDER.resolve(machine + "-" + source.getFileName().toString().replace(".c", ""));
    Outcome outcome =
        run(
            List.of(
                machine + "-linux-gnu-gcc",
                "-O2",
                "-Wall",
                "-D_FILE_OFFSET_BITS=64",
                "-I" + BRIDGE,
                "-o",
                program.toString(),
                source.toString(),
                "-lpthread"));
    if (outcome.status != 0) {
      throw new IllegalStateException(outcome.output);
    }
    return program;
  }

  /** {@code kvmdev run}, as its users type it. */
  static Outcome kvmdevRun(List<String> options, String... program) {
    List<String> command = new ArrayList<>(List.of(KVMDEV.toString(), "run"));
    command.addAll(options);
    command.add("--");
    command.addAll(List.of(program));
    return run(command);
  }

  static Outcome run(List<String> command) {
    return finish(new ProcessBuilder(command));
  }

  static Outcome finish(ProcessBuilder builder) {
    Path output = FOLDER.resolve("output-" + System.nanoTime());
    try {
      builder.redirectErrorStream(true).redirectOutput(output.toFile());
      Process process = builder.start();
      process.getOutputStream().close();
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        process.destroy();
        throw new IllegalStateException("still runs: " + builder.command());
      }
      String text = Files.readString(output, StandardCharsets.UTF_8);
      Files.delete(output);
      return new Outcome(process.exitValue(), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
