package org.kvmdev.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import org.kvmdev.api.Host;
import org.kvmdev.bridge.HostView;
import org.kvmdev.bridge.MissingException;
import org.kvmdev.bridge.Program;
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
   * @throws IOException where there can be no temporary files, or no process
   * @throws InterruptedException where it is interrupted
   */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    for (String[] command : COMMANDS) {
      run(command);
    }
    try (PrivateFolder folder = PrivateFolder.make();
        Kvm kvm = Kvm.load()) {
      for (Host host : kvm.hosts()) {
        run("run", "--host", host.name(), "--", "true");
        start(host, folder.path());
      }
      org.kvmdev.bridge.Rehearsal.run(kvm, folder.path());
    }
  }

  /** A program of this machine, for which there need be no host: as one that is run is started. */
  private static void start(Host host, Path folder) throws IOException, InterruptedException {
    HostView view = HostView.of(host, folder.resolve("files"));
    try {
      Program program = Program.of(List.of("true"), null);
      RunCommand.waitFor(program.starter(folder.resolve("kvm.sock"), view).start());
    } catch (MissingException noCompiler) {
      // Then it is laid out without that.
    }
  }

  private static void run(String... command) {
    PrintWriter nobody = new PrintWriter(new StringWriter());
    Main.run(nobody, nobody, command);
  }
}
