package org.kvmdev.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** The kvmdev command in a process of its own, with an environment of its own. */
final class OwnProcess implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 300;

  private final Process process;
  private final Path output;

  /**
   * Starts it.
   *
   * @param folder where its output goes
   * @param environment what is otherwise than here
   * @param arguments the command's
   */
  OwnProcess(Path folder, Map<String, String> environment, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:+UseSerialGC");
    Module module = Main.class.getModule();
    String modulePath = System.getProperty("jdk.module.path");
    if (module.isNamed() && modulePath != null) {
      command.addAll(List.of("--module-path", modulePath));
      command.addAll(List.of("--module", module.getName() + "/" + Main.class.getName()));
    } else {
      command.addAll(List.of("--class-path", System.getProperty("java.class.path")));
      command.add(Main.class.getName());
    }
    command.addAll(List.of(arguments));
    output = Files.createTempFile(folder, "kvmdev", ".log");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().putAll(environment);
    process = builder.start();
  }

  String output() throws IOException {
    return Files.readString(output, StandardCharsets.UTF_8);
  }

  /** Waits until it has said something, or has ended. */
  void awaitOutput(String text) throws IOException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!output().contains(text)) {
      if (!process.isAlive() || System.nanoTime() > end) {
        throw new IOException("it never said " + text + ": " + output());
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
  }

  /** Tells it to end. */
  void terminate() {
    process.destroy();
  }

  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Waits until it has ended; its exit code. */
  int status() throws IOException, InterruptedException {
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      throw new IOException("it does not end: " + output());
    }
    return process.exitValue();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
