package org.kvmdev.cli;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.kvmdev.bridge.ClientLibrary;
import org.kvmdev.bridge.MissingException;
import org.kvmdev.bridge.Target;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Where the client library is. */
@Command(
    name = "library",
    description =
        "Prints where the library is that programs are started with (LD_PRELOAD); compiles it"
            + " where it is not there yet.",
    mixinStandardHelpOptions = true)
final class LibraryCommand implements Callable<Integer> {
  @ParentCommand private KvmdevCommand kvmdev;

  @Parameters(
      arity = "0..1",
      paramLabel = "ARCHITECTURE",
      description = "arm64, ppc64, powerpc or x86_64; this machine's where it is left out.")
  private String architecture = "";

  @Override
  public Integer call() throws IOException {
    List<Target> targets =
        Stream.of(Target.values())
            .filter(
                each ->
                    architecture.isEmpty()
                        ? each.isNative()
                        : each.architecture().equals(architecture))
            .toList();
    if (targets.isEmpty()) {
      throw new WrongInput(
          "kvmdev: there is no library for "
              + (architecture.isEmpty() ? System.getProperty("os.arch") : architecture)
              + "; there is one for "
              + String.join(", ", Stream.of(Target.values()).map(Target::architecture).toList()));
    }
    try {
      kvmdev.scope().out().println(ClientLibrary.of(targets.getFirst()));
      return 0;
    } catch (MissingException e) {
      throw new WrongInput("kvmdev: " + e.getMessage());
    }
  }
}
