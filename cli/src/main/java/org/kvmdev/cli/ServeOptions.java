package org.kvmdev.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Host;
import org.kvmdev.bridge.BridgeOptions;
import org.kvmdev.bridge.CallSummary;
import org.kvmdev.bridge.MissingException;
import org.kvmdev.bridge.Target;
import org.kvmdev.runtime.Kvm;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** How programs are served. */
final class ServeOptions {
  private final OptionSpec host =
      Options.word(
              "--host",
              "NAME",
              "The recorded host that programs run on (kvmdev hosts lists them); by default, one of"
                  + " their architecture.")
          .build();

  private final OptionSpec log =
      Options.flag("--log", "Tells each request in words, with the reason where it was refused.")
          .build();

  private final OptionSpec summary =
      Options.flag(
              "--summary",
              "Tells at the end how often each request was made, and how often it was refused with"
                  + " which errno.")
          .build();

  /** Counts, where a summary is wanted. */
  private final CallSummary counts = new CallSummary();

  private final OptionSpec run =
      Options.word(
              "--run",
              "wait|exit",
              "What KVM_RUN does, since there is no CPU: wait as one that sleeps, until a signal or"
                  + " immediate_exit (the default), or exit at once, as a guest that switches off.")
          .defaultValue("wait")
          .build();

  /** Adds the options to a command. */
  ServeOptions(CommandSpec command) {
    command.addOption(host).addOption(log).addOption(summary).addOption(run);
  }

  /** The host's name: the one that was given, if the program can run there, or one that fits. */
  String host(Kvm kvm, Target target) throws MissingException {
    String wanted = host(kvm);
    if (wanted != null) {
      if (!target.fits(kvm.host(wanted))) {
        throw new MissingException(
            "a program for "
                + target.architecture()
                + " cannot run on host "
                + wanted
                + ": its request numbers are others; build it for "
                + kvm.host(wanted).architecture());
      }
      return wanted;
    }
    Host last = null;
    for (Host each : kvm.hosts()) {
      if (each.architecture().equals(target.architecture())) {
        last = each;
      }
    }
    if (last == null) {
      throw new MissingException(
          "the program is for "
              + target.architecture()
              + ", and there is no such host; name one that it can run on with --host: "
              + String.join(
                  ", ", kvm.hosts().stream().filter(target::fits).map(Host::name).toList())
              + Distribution.here().elsewhere(target.architecture()));
    }
    return last.name();
  }

  /** The host's name, where one was given. */
  @Nullable String host(Kvm kvm) {
    String name = Options.given(host);
    if (name != null) {
      Scope.host(kvm, name);
    }
    return name;
  }

  BridgeOptions bridge(@Nullable String hostName, Consumer<String> listener) {
    String asked = Options.given(run);
    BridgeOptions.Run how =
        switch (asked) {
          case "wait" -> BridgeOptions.Run.WAIT;
          case "exit" -> BridgeOptions.Run.EXIT;
          default -> throw new WrongInput("kvmdev: --run " + asked + ": there are wait and exit");
        };
    BridgeOptions options =
        new BridgeOptions(hostName, how, Options.isGiven(log) ? listener : null);
    return Options.isGiven(summary) ? options.with(counts) : options;
  }

  /** Tells what was counted, once nobody is served any more. */
  void printSummary(PrintWriter out) {
    if (!Options.isGiven(summary)) {
      return;
    }
    List<CallSummary.Row> rows = counts.rows();
    Table table = new Table("ON", "REQUEST", "CALLS", "REFUSED");
    int calls = 0;
    int refused = 0;
    for (CallSummary.Row row : rows) {
      calls += row.calls();
      refused += row.refused();
      String errnos =
          row.refusals().entrySet().stream()
              .map(each -> each.getKey() + " " + each.getValue())
              .collect(Collectors.joining(", "));
      table.add(row.on(), row.request(), Integer.toString(row.calls()), errnos);
    }
    out.printf("kvmdev: %d requests, %d refused%n", calls, refused);
    table.print(out, "");
    counts
        .unknown()
        .forEach(
            (request, times) ->
                out.printf("kvmdev: neither the host nor a device has %s (%d)%n", request, times));
    out.flush();
  }
}
