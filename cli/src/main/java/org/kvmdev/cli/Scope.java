package org.kvmdev.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Host;
import org.kvmdev.runtime.AllowList;
import org.kvmdev.runtime.Discovery;
import org.kvmdev.runtime.Kvm;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * What the command and every subcommand take, before or after its name: where device jars are, and
 * how answers are written.
 */
final class Scope {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--plugins",
      scope = ScopeType.INHERIT,
      paramLabel = "PATH",
      description =
          "A device jar, or a folder of them: each x.jar alone, or a folder x/ of jars, is a"
              + " plug-in.")
  private @Nullable Path plugins;

  @Option(
      names = "--allow",
      scope = ScopeType.INHERIT,
      paramLabel = "FILE",
      description =
          "The jars that may be plug-ins, as sha256sum lists them; instead of SHA256SUMS beside"
              + " them.")
  private @Nullable Path allowed;

  @Option(names = "--json", scope = ScopeType.INHERIT, description = "Answers as JSON.")
  private boolean json;

  boolean isJson() {
    return json;
  }

  PrintWriter out() {
    return command.commandLine().getOut();
  }

  PrintWriter err() {
    return command.commandLine().getErr();
  }

  /** The plug-ins that were named; none where there is no folder of them. */
  List<Path> plugins() throws IOException {
    requireThere();
    if (plugins == null || isOne(plugins)) {
      return plugins == null ? List.of() : List.of(plugins);
    }
    try (Stream<Path> all = Files.list(plugins)) {
      return all.filter(each -> Files.isDirectory(each) || each.toString().endsWith(".jar"))
          .filter(each -> !each.getFileName().toString().startsWith("."))
          .sorted()
          .toList();
    }
  }

  /** Finds the device types; what keeps a jar from being used is told, and the rest goes on. */
  Kvm kvm() {
    requireThere();
    Kvm kvm = Kvm.of(Discovery.find(plugins, allowList(), Discovery.LOADING));
    kvm.faults().forEach(fault -> err().println("kvmdev: " + fault.message()));
    return kvm;
  }

  private static boolean isOne(Path place) {
    return Files.exists(place) && place.toString().endsWith(".jar");
  }

  private void requireThere() {
    if (plugins != null && !Files.isDirectory(plugins) && !isOne(plugins)) {
      throw new WrongInput(
          "--plugins "
              + plugins
              + (Files.exists(plugins)
                  ? " is neither a jar nor a folder of device jars"
                  : " does not exist: give a device jar, or a folder of them"));
    }
  }

  /** A host by its name; where there is none, the complaint says which distribution has it. */
  static Host host(Kvm kvm, String name) {
    try {
      return kvm.host(name);
    } catch (IllegalArgumentException e) {
      throw new WrongInput(e.getMessage() + Distribution.here().elsewhere(name));
    }
  }

  private @Nullable AllowList allowList() {
    if (allowed == null) {
      return null;
    }
    if (plugins == null) {
      throw new WrongInput("--allow " + allowed + " is of use with --plugins PATH only");
    }
    try {
      return AllowList.read(allowed);
    } catch (NoSuchFileException e) {
      throw new WrongInput("--allow " + allowed + " does not exist: give what sha256sum printed");
    } catch (IOException e) {
      throw new WrongInput("--allow: " + e.getMessage());
    }
  }
}
