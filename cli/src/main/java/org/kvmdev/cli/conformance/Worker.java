package org.kvmdev.cli.conformance;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.kvmdev.api.Departure;
import org.kvmdev.api.DeviceType;
import org.kvmdev.runtime.Discovery;
import org.kvmdev.runtime.DiscoveryFault;
import org.kvmdev.runtime.Plugin;
import org.kvmdev.testkit.conformance.Conformance;
import org.kvmdev.testkit.conformance.Result;
import org.kvmdev.testkit.conformance.Rule;
import org.kvmdev.testkit.conformance.Subject;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * The child: loads a plug-in, holds its device types to the rules, and tells each step on its
 * standard output. Whatever the plug-in does to it, its parent lives. Not for people.
 */
@Command(name = "worker")
public final class Worker implements Runnable {
  /** The JVM's end is as sudden as a plug-in's own would be: nothing of it is asked. */
  private static final int DONE = 0;

  private final PrintStream channel;

  @Mixin private Setup setup = new Setup();

  @Option(names = "--from", description = "How many checks were made by children before.")
  private int from;

  @Parameters private Path place = Path.of("");

  private Worker(PrintStream channel) {
    this.channel = channel;
  }

  /** One type, and where it comes from. */
  private record Found(Plugin plugin, DeviceType type) {}

  /**
   * Runs the child.
   *
   * @param arguments the options of {@link Setup}, how many checks to leave out, and the plug-in
   */
  public static void main(String[] arguments) {
    PrintStream channel =
        new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    // What a device prints must not come between.
    System.setOut(System.err);
    endWithParent();
    int code = new CommandLine(new Worker(channel)).execute(arguments);
    Runtime.getRuntime().halt(code);
  }

  /** A parent that has ended no longer holds the other end of our input. */
  private static void endWithParent() {
    Thread.ofPlatform()
        .daemon()
        .name("watches the parent")
        .start(
            () -> {
              try {
                while (System.in.read() >= 0) {
                  // It says nothing.
                }
              } catch (IOException e) {
                // It is gone, too.
              }
              Runtime.getRuntime().halt(DONE);
            });
  }

  @Override
  public void run() {
    List<Found> all = load();
    List<Rule> rules = setup.rules();
    int check = 0;
    for (Found each : all) {
      Subject subject = Subject.of(each.plugin.provider(), each.type, setup.options(each.type));
      for (Rule rule : rules) {
        if (check++ >= from) {
          check(subject, rule);
        }
      }
    }
    tell(Event.of(Event.Kind.END));
  }

  private void tell(Event event) {
    channel.println(event.line());
  }

  /** Loads the plug-in, and tells its types. */
  private List<Found> load() {
    Discovery discovery = Discovery.plugin(place, setup.ruleLimit());
    for (DiscoveryFault fault : discovery.faults()) {
      tell(Event.of(Event.Kind.FAULT).with("message", fault.message()));
    }
    List<Found> all = new ArrayList<>();
    for (Plugin plugin : discovery.plugins()) {
      for (DeviceType type : plugin.types()) {
        all.add(new Found(plugin, type));
        tell(type(plugin, type));
      }
      if (plugin.types().isEmpty()) {
        fault("its provider " + plugin.provider().getClass().getName() + " has no device type");
      }
    }
    setup
        .unknown(all.stream().map(Found::type).toList())
        .ifPresent(text -> fault("none of its device types has the attribute of --set " + text));
    tell(Event.of(Event.Kind.LOADED));
    return all;
  }

  private void fault(String message) {
    tell(Event.of(Event.Kind.FAULT).with("message", place.getFileName() + ": " + message));
  }

  private Event type(Plugin plugin, DeviceType type) {
    List<String> documented = new ArrayList<>();
    for (Departure departure : type.departures()) {
      if (departure.rule().startsWith("documented_")) {
        documented.add(departure.rule());
        documented.add(departure.what());
        documented.add(departure.source());
      }
    }
    return Event.of(Event.Kind.TYPE)
        .with("number", type.numberText())
        .with("name", type.name())
        .with("summary", type.summary())
        .with("jar", plugin.origin().jar())
        .with("host", Subject.of(plugin.provider(), type, setup.options(type)).host().name())
        .with("documented", documented);
  }

  private void check(Subject subject, Rule rule) {
    tell(Event.of(Event.Kind.BEGIN).with("rule", rule.id()));
    long start = System.nanoTime();
    Result result = Conformance.check(subject, rule);
    List<String> departures = new ArrayList<>();
    for (Departure departure : result.departures()) {
      departures.add(departure.rule());
      departures.add(departure.what());
      departures.add(departure.source());
    }
    tell(
        Event.of(Event.Kind.RESULT)
            .with("rule", rule.id())
            .with("outcome", result.outcome().name())
            .with("details", result.details())
            .with("departures", departures)
            .with("nanos", Long.toString(System.nanoTime() - start)));
    if (result.hangs()) {
      tell(Event.of(Event.Kind.HUNG));
      Runtime.getRuntime().halt(DONE);
    }
  }
}
