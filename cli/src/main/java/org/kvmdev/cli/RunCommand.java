package org.kvmdev.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.kvmdev.bridge.BridgeOptions;
import org.kvmdev.bridge.BridgeServer;
import org.kvmdev.bridge.HostView;
import org.kvmdev.bridge.MissingException;
import org.kvmdev.bridge.Program;
import org.kvmdev.bridge.WarmUp;
import org.kvmdev.runtime.Kvm;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** Runs a program that was written for Linux's KVM. */
final class RunCommand implements Callable<Integer> {
  private static final long PATIENCE_SECONDS = 5;

  private final OptionSpec sysroot =
      Options.path(
              "--sysroot",
              "DIR",
              "The root folder of a program for another architecture, with its libraries; by"
                  + " default, where Debian has them.")
          .build();

  private final OptionSpec record =
      Options.path(
              "--record",
              "FILE",
              "Writes down what the program asks and is answered, as a recording that kvmdev replay"
                  + " compares later.")
          .build();

  private final PositionalParamSpec words =
      PositionalParamSpec.builder()
          .arity("1..*")
          .required(true)
          .type(List.class)
          .auxiliaryTypes(String.class)
          .paramLabel("PROGRAM")
          .description("The program and its arguments, behind --.")
          .build();

  private final KvmdevCommand kvmdev;
  private final CommandSpec spec;
  private final ServeOptions options;

  RunCommand(KvmdevCommand kvmdev) {
    this.kvmdev = kvmdev;
    spec = CommandSpec.wrapWithoutInspection(this).name("run");
    options = new ServeOptions(spec);
    spec.addOption(sysroot).addOption(record).addPositional(words);
    spec.usageMessage()
        .description(
            "Runs a program, unmodified, whose /dev/kvm is kvmdev's. One for another architecture"
                + " is run by qemu-user.")
        .footerHeading("%n")
        .footer(
            "  kvmdev run -- ./my-vmm --some-option",
            "  kvmdev run --log --run exit -- ./vgic_init",
            "  kvmdev run --summary -- ./my-vmm",
            "  kvmdev run --record mine.kvmtrace.jsonl -- ./my-vmm",
            "",
            "Exit code: the program's; 2 where it cannot be started, with the reason.");
    Options.addHelp(spec);
  }

  CommandSpec spec() {
    return spec;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    List<String> command = words.getValue();
    Path recorded = Options.given(record);
    try (PrivateFolder folder = PrivateFolder.make();
        Kvm kvm = kvmdev.scope().kvm()) {
      Program program = Program.of(command, Options.given(sysroot));
      String host = options.host(kvm, program.target());
      HostView view = HostView.of(kvm.host(host), folder.path().resolve("files"));
      BridgeOptions how = options.bridge(host, kvmdev.scope().err()::println);
      Path socket = folder.path().resolve("kvm.sock");
      ProcessBuilder starter = program.starter(socket, view);
      boolean warmsUp = warmsUp(program);
      int status;
      if (recorded == null) {
        status = serve(starter, socket, kvm, how, warmsUp);
      } else {
        try (Recording recording = Recording.of(recorded, kvm, kvm.host(host), command)) {
          status = serve(starter, socket, kvm, how.with(recording.recorder()), warmsUp);
          recording.report(kvmdev.scope().err());
        }
      }
      options.printSummary(kvmdev.scope().err());
      return status;
    } catch (MissingException e) {
      throw new WrongInput("kvmdev: " + e.getMessage());
    }
  }

  /**
   * Whether there is something to gain: a program under qemu-user takes its time before it asks,
   * another processor has nothing to do meanwhile, and no plug-in's code would run unasked.
   */
  private boolean warmsUp(Program program) throws IOException {
    return !program.target().isNative()
        && Runtime.getRuntime().availableProcessors() > 1
        && kvmdev.scope().plugins().isEmpty();
  }

  private static int serve(
      ProcessBuilder program, Path socket, Kvm kvm, BridgeOptions how, boolean warmsUp)
      throws IOException, InterruptedException {
    BridgeServer server = BridgeServer.open(socket, kvm, how);
    try (server) {
      Process started = program.start();
      if (!warmsUp) {
        return waitFor(started);
      }
      WarmUp warmUp =
          WarmUp.begin(kvm, kvm.host(how.host()), socket.resolveSibling("warm-up.sock"));
      try (warmUp) {
        return waitFor(started);
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
