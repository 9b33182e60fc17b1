package org.kvmdev.clients;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A QEMU that is led by its monitor (QMP) on the standard streams. */
final class Qemu implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 300;

  private final Process process;
  private final BufferedReader in;
  private final Writer out;
  private final Path errors;
  private final String name;
  private final long nanosToMonitor;

  private Qemu(Process process, Path errors, String name, long begin) throws IOException {
    this.process = process;
    this.errors = errors;
    this.name = name;
    this.in = process.inputReader();
    this.out = process.outputWriter();
    ask("qmp_capabilities");
    nanosToMonitor = System.nanoTime() - begin;
  }

  /**
   * Starts a QEMU of another architecture, whose root is a folder, on a host of kvmdev's. At its
   * end, a summary of its requests is left under a name, unless that is empty, and there is none
   * that nobody has.
   */
  static Qemu onKvmdev(
      String name, String host, Path root, String program, List<String> options, String... more)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(Clients.KVMDEV.toString(), "run"));
    if (!name.isEmpty()) {
      command.add("--summary");
    }
    command.addAll(
        List.of(
            "--host",
            host,
            "--sysroot",
            root.toString(),
            "--",
            root.resolve("usr/bin").resolve(program).toString(),
            "-accel",
            "kvm",
            "-S",
            "-m",
            "256"));
    command.addAll(options);
    return start(name, command, more);
  }

  /** Starts a QEMU without KVM, and waits until its machine is made and its monitor answers. */
  static Qemu start(List<String> command, String... more) throws IOException {
    return start("", command, more);
  }

  private static Qemu start(String name, List<String> command, String... more) throws IOException {
    List<String> all = new ArrayList<>(command);
    all.addAll(List.of("-display", "none", "-qmp", "stdio"));
    all.addAll(List.of(more));
    Path errors = Files.createTempFile(Clients.FOLDER, "qemu", ".log");
    long begin = System.nanoTime();
    Process process = new ProcessBuilder(all).redirectError(errors.toFile()).start();
    return new Qemu(process, errors, name, begin);
  }

  long nanosToMonitor() {
    return nanosToMonitor;
  }

  /** Asks, and waits for the answer; what else the monitor tells goes by. */
  String ask(String command) throws IOException {
    return ask(command, "{}");
  }

  String ask(String command, String arguments) throws IOException {
    out.write("{\"execute\":\"" + command + "\",\"arguments\":" + arguments + "}\n");
    out.flush();
    while (true) {
      String line = in.readLine();
      if (line == null) {
        throw new IOException("QEMU has ended: " + Files.readString(errors));
      }
      if (line.contains("\"return\"")) {
        return line;
      }
      if (line.contains("\"error\"")) {
        throw new IOException(command + ": " + line);
      }
    }
  }

  /** What the monitor for people answers. */
  String monitor(String command) throws IOException {
    return ask("human-monitor-command", "{\"command-line\":\"" + command + "\"}");
  }

  void migrateTo(Path file) throws IOException {
    ask("migrate", "{\"uri\":\"exec:cat > " + file + "\"}");
    waitFor("query-migrate", "\"status\": \"completed\"", "\"status\": \"failed\"");
  }

  void waitUntilRestored() throws IOException {
    waitFor("query-status", "\"status\": \"prelaunch\"", "\"status\": \"internal-error\"");
  }

  private void waitFor(String question, String good, String bad) throws IOException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (System.nanoTime() < end) {
      String answer = ask(question);
      if (answer.contains(good)) {
        return;
      }
      if (answer.contains(bad)) {
        throw new IOException(answer + Files.readString(errors));
      }
    }
    throw new IOException(question + " never answered " + good);
  }

  @Override
  public void close() throws IOException {
    try {
      ask("quit");
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw new IOException("QEMU does not end");
      }
      if (!name.isEmpty()) {
        Clients.keepSummary(name, Files.readString(errors));
      }
    } catch (InterruptedException e) {
      throw new IOException(e);
    } finally {
      process.descendants().forEach(ProcessHandle::destroy);
      process.destroy();
    }
  }
}
