package org.kvmdev.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.kvmdev.api.Host;
import org.kvmdev.runtime.Kvm;

/**
 * Runs each subcommand once, and the calls of a program that is run, while the image is made: the
 * JVM watches, and lays out ahead what every later start loads.
 */
public final class Rehearsal {
  private static final String[][] COMMANDS = {
    {"--version"},
    {"--help"},
    {"list"},
    {"hosts", "--json"},
    {"describe", "1"},
    {"replay", "mpic/20-connect"},
    {"lst"},
  };

  private Rehearsal() {}

  /**
   * Runs them; what they answer is not looked at here, since an image may be without one of the
   * devices, and a machine without a C compiler.
   *
   * @param arguments none
   * @throws IOException where there can be no temporary files
   */
  public static void main(String[] arguments) throws IOException {
    for (String[] command : COMMANDS) {
      run(command);
    }
    Path folder = Files.createTempDirectory("kvmdev");
    try (Kvm kvm = Kvm.load()) {
      List<Host> hosts = kvm.hosts();
      if (!hosts.isEmpty()) {
        run("run", "--host", hosts.getFirst().name(), "--", "true");
      }
      org.kvmdev.bridge.Rehearsal.run(kvm, folder);
    }
    Files.delete(folder);
  }

  private static void run(String... command) {
    PrintWriter nobody = new PrintWriter(new StringWriter());
    Main.run(nobody, nobody, command);
  }
}
