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
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ScopeType;

/**
 * What the command and every subcommand take, before or after its name: where device jars are, and
 * how answers are written.
 */
final class Scope {
  private final OptionSpec plugins =
      Options.path(
              "--plugins",
              "PATH",
              "A device jar, or a folder of them: each x.jar alone, or a folder x/ of jars, is a"
                  + " plug-in.")
          .scopeType(ScopeType.INHERIT)
          .build();

  private final OptionSpec allowed =
      Options.path(
              "--allow",
              "FILE",
              "The jars that may be plug-ins, as sha256sum lists them; instead of SHA256SUMS beside"
                  + " them.")
          .scopeType(ScopeType.INHERIT)
          .build();

  private final OptionSpec json =
      Options.flag("--json", "Answers as JSON.").scopeType(ScopeType.INHERIT).build();

  private final CommandSpec command;

  /** Adds the options to the command. */
  Scope(CommandSpec command) {
    this.command = command.addOption(plugins).addOption(allowed).addOption(json);
  }

  boolean isJson() {
    return Options.isGiven(json);
  }

  PrintWriter out() {
    return command.commandLine().getOut();
  }

  PrintWriter err() {
    return command.commandLine().getErr();
  }

  /** The plug-ins that were named; none where there is no folder of them. */
  List<Path> plugins() throws IOException {
    Path place = place();
    if (place == null || isOne(place)) {
      return place == null ? List.of() : List.of(place);
    }
    try (Stream<Path> all = Files.list(place)) {
      return all.filter(each -> Files.isDirectory(each) || each.toString().endsWith(".jar"))
          .filter(each -> !each.getFileName().toString().startsWith("."))
          .sorted()
          .toList();
    }
  }

  /** Finds the device types; what keeps a jar from being used is told, and the rest goes on. */
  Kvm kvm() {
    Path place = place();
    Kvm kvm = Kvm.of(Discovery.find(place, allowList(place), Discovery.LOADING));
    kvm.faults().forEach(fault -> err().println("kvmdev: " + fault.message()));
    return kvm;
  }

  private static boolean isOne(Path place) {
    return Files.exists(place) && place.toString().endsWith(".jar");
  }

  /** Where plug-ins are; null where no place was named. */
  private @Nullable Path place() {
    Path place = Options.given(plugins);
    if (place != null && !Files.isDirectory(place) && !isOne(place)) {
      throw new WrongInput(
          "--plugins "
              + place
              + (Files.exists(place)
                  ? " is neither a jar nor a folder of device jars"
                  : " does not exist: give a device jar, or a folder of them"));
    }
    return place;
  }

  /** A host by its name; where there is none, the complaint says which distribution has it. */
  static Host host(Kvm kvm, String name) {
    try {
      return kvm.host(name);
    } catch (IllegalArgumentException e) {
      throw new WrongInput(e.getMessage() + Distribution.here().elsewhere(name));
    }
  }

  private @Nullable AllowList allowList(@Nullable Path place) {
    Path list = Options.given(allowed);
    if (list == null) {
      return null;
    }
    if (place == null) {
      throw new WrongInput("--allow " + list + " is of use with --plugins PATH only");
    }
    try {
      return AllowList.read(list);
    } catch (NoSuchFileException e) {
      throw new WrongInput("--allow " + list + " does not exist: give what sha256sum printed");
    } catch (IOException e) {
      throw new WrongInput("--allow: " + e.getMessage());
    }
  }
}
