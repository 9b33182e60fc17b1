package org.kvmdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.kvmdev.bridge.BridgeOptions;
import org.kvmdev.bridge.BridgeServer;
import org.kvmdev.bridge.HostView;
import org.kvmdev.bridge.MissingException;
import org.kvmdev.bridge.Program;
import org.kvmdev.runtime.Kvm;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Records what the machine's own KVM answers to a program. */
@Command(
    name = "record",
    description =
        "Runs a program on this machine's own /dev/kvm and writes down what it asks and is"
            + " answered, in the recordings' format (docs/trace-format.md); kvmdev replay"
            + " compares.",
    footerHeading = "%n",
    footer = {
      "  kvmdev record --output my.kvmtrace.jsonl -- ./my-vmm",
      "",
      "Exit code: the program's; 2 where it cannot be started, with the reason."
    },
    mixinStandardHelpOptions = true)
final class RecordCommand implements Callable<Integer> {
  @ParentCommand private KvmdevCommand kvmdev;

  @Option(
      names = "--output",
      paramLabel = "FILE",
      defaultValue = "recorded.kvmtrace.jsonl",
      description = "Where the recording goes (${DEFAULT-VALUE}).")
  private Path output;

  @Option(
      names = "--host",
      paramLabel = "NAME",
      description =
          "What this machine is called in the recording; by default its architecture and its"
              + " kernel's version, x86_64-6.18.")
  private @Nullable String host;

  @Parameters(
      arity = "1..*",
      paramLabel = "PROGRAM",
      description = "The program and its arguments, behind --.")
  private List<String> command = new ArrayList<>();

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (!Files.isReadable(Path.of("/dev/kvm"))) {
      throw new WrongInput(
          "kvmdev: this machine has no /dev/kvm that can be used; kvmdev run has one of its own");
    }
    try (PrivateFolder folder = PrivateFolder.make();
        Kvm kvm = kvmdev.scope().kvm()) {
      Program program = Program.of(command, null);
      if (!program.target().isNative()) {
        throw new MissingException(
            "a program for "
                + program.target().architecture()
                + " cannot use this machine's KVM; record one that is for this machine");
      }
      String kernel = System.getProperty("os.version");
      String name = host != null ? host : hostName(program.target().architecture(), kernel);
      try (Recording recording = Recording.of(output, kvm, name, "Linux " + kernel, command);
          BridgeServer server =
              BridgeServer.open(
                  folder.path().resolve("kvm.sock"),
                  kvm,
                  BridgeOptions.recording(recording.recorder()))) {
        int status = RunCommand.waitFor(program.starter(server.socket(), HostView.MACHINE).start());
        recording.report(kvmdev.scope().err());
        return status;
      }
    } catch (MissingException e) {
      throw new WrongInput("kvmdev: " + e.getMessage());
    }
  }

  /** {@code x86_64-6.18} for a kernel 6.18.44. */
  private static String hostName(String architecture, String kernel) {
    return architecture + "-" + kernel.replaceFirst("^(\\d+\\.\\d+).*$", "$1");
  }
}
