package org.kvmdev.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Departure;
import org.kvmdev.cli.conformance.HtmlReport;
import org.kvmdev.cli.conformance.JunitXml;
import org.kvmdev.cli.conformance.Report;
import org.kvmdev.cli.conformance.Setup;
import org.kvmdev.cli.conformance.Trial;
import org.kvmdev.testkit.conformance.Result.Outcome;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Holds the devices of a jar to the conformance rules. */
@Command(
    name = "test",
    description = "Holds the device types of a jar to the conformance rules.",
    footerHeading = "%n",
    footer = {
      "A jar is checked in a JVM of its own: one that hangs, exits or crashes is told, and the rest"
          + " goes on.",
      "A device that needs more than being made is brought up by --connect and --set, e.g.",
      "  kvmdev test --set 0/0=0x10000000 --set 4/0 my-device.jar",
      "Exit code: 0 each rule passed or was skipped, 1 a rule failed or a jar cannot be checked,",
      "2 a wrong command line."
    },
    mixinStandardHelpOptions = true)
final class TestCommand implements Callable<Integer> {
  @ParentCommand private KvmdevCommand kvmdev;

  @Mixin private Setup setup = new Setup();

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "600",
      description = "The longest that a jar's check may take (${DEFAULT-VALUE}).")
  private int seconds;

  @Option(
      names = "--junit-xml",
      paramLabel = "FILE",
      description = "Writes a report that CI systems read.")
  private @Nullable Path junitXml;

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description = "Writes a report for people: a page with all in it.")
  private @Nullable Path html;

  @Parameters(
      paramLabel = "JAR",
      description =
          "Jars, or folders of a jar and its libraries; all of --plugins DIR where there is none.")
  private List<Path> places = new ArrayList<>();

  @Override
  public Integer call() throws IOException {
    check();
    List<Report> reports = new ArrayList<>();
    for (Path place : places) {
      Output output = new Output(place);
      Report report =
          new Trial(place, setup, Duration.ofSeconds(seconds), output, kvmdev.scope().err()).run();
      output.end(report);
      reports.add(report);
    }
    if (kvmdev.scope().isJson()) {
      Json.print(kvmdev.scope().out(), json -> write(json, reports));
    }
    if (junitXml != null) {
      Files.writeString(junitXml, JunitXml.of(reports));
    }
    if (html != null) {
      String version = new KvmdevCommand.Version().getVersion()[0];
      Files.writeString(html, HtmlReport.of(reports, setup, version, LocalDateTime.now()));
    }
    return reports.stream().allMatch(Report::passes) ? 0 : 1;
  }

  /** Looks at the command line before anything is started, so that no report is lost at the end. */
  private void check() throws IOException {
    try {
      setup.check();
    } catch (IllegalArgumentException e) {
      throw new WrongInput(String.valueOf(e.getMessage()));
    }
    if (seconds < 1) {
      throw new WrongInput("--timeout is at least 1");
    }
    if (places.isEmpty()) {
      places = kvmdev.scope().plugins();
    }
    if (places.isEmpty()) {
      throw new WrongInput("name a jar: kvmdev test my-device.jar, or kvmdev --plugins DIR test");
    }
    for (Path place : places) {
      if (!Files.exists(place)) {
        throw new WrongInput(place + " does not exist: name a jar, or a folder of jars");
      }
    }
    requireFolder(junitXml);
    requireFolder(html);
  }

  private static void requireFolder(@Nullable Path file) {
    Path folder = file == null ? null : file.toAbsolutePath().getParent();
    if (folder != null && !Files.isDirectory(folder)) {
      throw new WrongInput("there is no folder " + folder + " for the report " + file);
    }
  }

  /** What is told while a jar is checked: a line a rule. */
  private final class Output implements Trial.Listener {
    private static final Duration QUIET = Duration.ofSeconds(3);

    private final PrintWriter out = kvmdev.scope().out();
    private final boolean quiet = kvmdev.scope().isJson();
    private final Path place;
    private long told = System.nanoTime();

    Output(Path place) {
      this.place = place;
    }

    @Override
    public synchronized void type(Report.Type type) {
      if (!quiet) {
        out.println(type + ", from " + type.jar());
        out.flush();
      }
    }

    @Override
    public synchronized void check(Report.Check check) {
      told = System.nanoTime();
      if (quiet) {
        return;
      }
      boolean failed = check.outcome() == Outcome.FAILED;
      String outcome = failed ? "FAILED" : check.outcome().name().toLowerCase(Locale.ROOT);
      out.print("  %-8s %s".formatted(outcome, check.rule()));
      out.println(
          check.outcome() == Outcome.SKIPPED ? ": " + String.join("; ", check.details()) : "");
      if (failed) {
        check.details().forEach(each -> indented("", each));
        indented("the rule: ", check.rule().says());
        indented("why: ", check.rule().reason());
        indented("again: ", setup.again(check.rule()) + " " + place);
      }
      for (Departure departure : check.departures()) {
        indented("departs as declared: ", departure.what() + " [" + departure.source() + "]");
      }
      out.flush();
    }

    private void indented(String what, String text) {
      out.println("               " + what + text);
    }

    @Override
    public synchronized void progress(String what, Duration time) {
      if (time.compareTo(QUIET) > 0 && System.nanoTime() - told > QUIET.toNanos()) {
        told = System.nanoTime();
        kvmdev.scope().err().println("… " + what + ", " + time.toSeconds() + " s");
      }
    }

    void end(Report report) {
      report.faults().forEach(fault -> kvmdev.scope().err().println("kvmdev: " + fault));
      if (quiet) {
        return;
      }
      for (Report.Type type : report.types()) {
        out.println(
            "%s: %d rules, %d passed, %d failed, %d skipped, %.1f s"
                .formatted(
                    type.name(),
                    type.checks().size(),
                    type.count(Outcome.PASSED),
                    type.count(Outcome.FAILED),
                    type.count(Outcome.SKIPPED),
                    type.time().toNanos() / 1e9));
      }
      out.flush();
    }
  }

  private static void write(JsonGenerator json, List<Report> reports) throws IOException {
    json.writeStartArray();
    for (Report report : reports) {
      json.writeStartObject();
      json.writeStringField("jar", report.place().toString());
      json.writeBooleanField("passes", report.passes());
      json.writeArrayFieldStart("faults");
      for (String fault : report.faults()) {
        json.writeString(fault);
      }
      json.writeEndArray();
      json.writeArrayFieldStart("types");
      for (Report.Type type : report.types()) {
        write(json, type);
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void write(JsonGenerator json, Report.Type type) throws IOException {
    json.writeStartObject();
    json.writeStringField("type", type.number());
    json.writeStringField("name", type.name());
    json.writeStringField("host", type.host());
    json.writeArrayFieldStart("rules");
    for (Report.Check check : type.checks()) {
      json.writeStartObject();
      json.writeStringField("id", check.rule().id());
      json.writeStringField("name", check.rule().name());
      json.writeStringField("outcome", check.outcome().name().toLowerCase(Locale.ROOT));
      json.writeNumberField("seconds", check.time().toMillis() / 1000.0);
      json.writeArrayFieldStart("details");
      for (String detail : check.details()) {
        json.writeString(detail);
      }
      json.writeEndArray();
      json.writeArrayFieldStart("departures");
      for (Departure departure : check.departures()) {
        json.writeStartObject();
        json.writeStringField("what", departure.what());
        json.writeStringField("source", departure.source());
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }
}
