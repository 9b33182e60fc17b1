package org.kvmdev.bridge;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** C programs of the tests, compiled once and started with the library. */
final class Programs {
  /** Longer than anything takes, on a machine with whatever load. */
  static final long PATIENCE_SECONDS = 300;

  private static final Path FOLDER = Path.of("target", "programs").toAbsolutePath();

  private Programs() {}

  /** What a program said and how it ended. */
  record Outcome(int status, String output) {}

  static Target machine() {
    for (Target target : Target.values()) {
      if (target.isNative()) {
        return target;
      }
    }
    throw new IllegalStateException("this machine is none of " + List.of(Target.values()));
  }

  /** Skips the test, with the reason, where there is no C compiler. */
  static void needCompiler() {
    boolean found = ClientLibrary.compiler(machine()) != null;
    if (!found) {
      System.out.println("skipped: there is no C compiler (on Debian: apt install gcc libc6-dev)");
    }
    assumeTrue(found, "there is no C compiler");
  }

  /** The program of a source in src/test/c, compiled where it is not yet. */
  static synchronized Path program(String name, String... more) {
    needCompiler();
    Path source = Path.of("src", "test", "c", name + ".c").toAbsolutePath();
    Path program = FOLDER.resolve(name);
    try {
      if (Files.exists(program)
          && Files.getLastModifiedTime(program).compareTo(Files.getLastModifiedTime(source)) > 0) {
        return program;
      }
      Files.createDirectories(FOLDER);
      List<String> command =
          new ArrayList<>(
              List.of(
                  String.valueOf(ClientLibrary.compiler(machine())),
                  "-std=gnu11",
                  "-O2",
                  "-D_FORTIFY_SOURCE=2",
                  "-Wall",
                  "-Wextra",
                  "-Werror",
                  source.toString(),
                  "-o",
                  program.toString(),
                  "-lpthread",
                  "-ldl"));
      command.addAll(List.of(more));
      Outcome outcome = finish(new ProcessBuilder(command).redirectErrorStream(true).start());
      if (outcome.status != 0) {
        throw new IllegalStateException(outcome.output);
      }
      return program;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String[] with(String[] some, String... more) {
    return Stream.concat(Stream.of(some), Stream.of(more)).toArray(String[]::new);
  }

  static Path library() {
    try {
      return ClientLibrary.of(machine());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (MissingException e) {
      throw new IllegalStateException(e);
    }
  }

  static Process start(Path socket, Path program, String... arguments) {
    return start(socket, Map.of(), program, arguments);
  }

  static Process start(
      Path socket, Map<String, String> environment, Path program, String... arguments) {
    List<String> command = new ArrayList<>(List.of(program.toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    builder.environment().put("LD_PRELOAD", library().toString());
    builder.environment().put(ClientLibrary.SOCKET_VARIABLE, socket.toString());
    try {
      return builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits for a program that ends by itself. */
  static Outcome finish(Process process) {
    try {
      Thread timer =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                        process.destroyForcibly();
                      }
                    } catch (InterruptedException e) {
                      // It has ended.
                    }
                  });
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int status = process.waitFor();
      timer.interrupt();
      return new Outcome(status, output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
