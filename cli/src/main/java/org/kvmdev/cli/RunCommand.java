package org.kvmdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.kvmdev.bridge.BridgeOptions;
import org.kvmdev.bridge.BridgeServer;
import org.kvmdev.bridge.HostView;
import org.kvmdev.bridge.MissingException;
import org.kvmdev.bridge.Program;
import org.kvmdev.runtime.Kvm;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Runs a program that was written for Linux's KVM. */
@Command(
    name = "run",
    description =
        "Runs a program, unmodified, whose /dev/kvm is kvmdev's. One for another architecture is"
            + " run by qemu-user.",
    footerHeading = "%n",
    footer = {
      "  kvmdev run -- ./my-vmm --some-option",
      "  kvmdev run --log --run exit -- ./vgic_init",
      "  kvmdev run --summary -- ./my-vmm",
      "  kvmdev run --record mine.kvmtrace.jsonl -- ./my-vmm",
      "",
      "Exit code: the program's; 2 where it cannot be started, with the reason."
    },
    mixinStandardHelpOptions = true)
final class RunCommand implements Callable<Integer> {
  private static final long PATIENCE_SECONDS = 5;

  @ParentCommand private KvmdevCommand kvmdev;

  @Mixin private ServeOptions options;

  @Option(
      names = "--sysroot",
      paramLabel = "DIR",
      description =
          "The root folder of a program for another architecture, with its libraries; by default,"
              + " where Debian has them.")
  private @Nullable Path sysroot;

  @Option(
      names = "--record",
      paramLabel = "FILE",
      description =
          "Writes down what the program asks and is answered, as a recording that kvmdev replay"
              + " compares later.")
  private @Nullable Path record;

  @Parameters(
      arity = "1..*",
      paramLabel = "PROGRAM",
      description = "The program and its arguments, behind --.")
  private List<String> command = new ArrayList<>();

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("kvmdev");
    Path socket = folder.resolve("kvm.sock");
    try (Kvm kvm = kvmdev.scope().kvm()) {
      Program program = Program.of(command, sysroot);
      String host = options.host(kvm, program.target());
      HostView view = HostView.of(kvm.host(host), folder.resolve("files"));
      BridgeOptions how = options.bridge(host, kvmdev.scope().err()::println);
      ProcessBuilder starter = program.starter(socket, view);
      int status;
      if (record == null) {
        status = serve(starter, socket, kvm, how);
      } else {
        try (Recording recording = Recording.of(record, kvm, kvm.host(host), command)) {
          status = serve(starter, socket, kvm, how.with(recording.recorder()));
          recording.report(kvmdev.scope().err());
        }
      }
      options.printSummary(kvmdev.scope().err());
      return status;
    } catch (MissingException e) {
      throw new WrongInput("kvmdev: " + e.getMessage());
    } finally {
      remove(folder);
    }
  }

  private static int serve(ProcessBuilder program, Path socket, Kvm kvm, BridgeOptions how)
      throws IOException, InterruptedException {
    BridgeServer server = BridgeServer.open(socket, kvm, how);
    try (server) {
      return waitFor(program.start());
    }
  }

  private static void remove(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }

  /** Serves until the program has ended, also where this process is told to end. */
  static int waitFor(Process program) throws InterruptedException {
    Thread outlive = new Thread(() -> end(program));
    Runtime.getRuntime().addShutdownHook(outlive);
    int status = program.waitFor();
    try {
      Runtime.getRuntime().removeShutdownHook(outlive);
    } catch (IllegalStateException e) {
      // It is what waits for the program.
    }
    return status;
  }

  /** A terminal's interrupt reaches the program too, which may take its time; else it is ended. */
  private static void end(Process program) {
    try {
      if (!program.waitFor(1, TimeUnit.SECONDS)) {
        program.destroy();
        if (!program.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
          program.destroyForcibly();
        }
      }
    } catch (InterruptedException e) {
      program.destroyForcibly();
    }
  }
}
