package org.kvmdev.cli.conformance;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Departure;
import org.kvmdev.testkit.conformance.Conformance;
import org.kvmdev.testkit.conformance.Result.Outcome;
import org.kvmdev.testkit.conformance.Rule;

/**
 * Checks one plug-in in a child JVM. A plug-in that hangs, exits or crashes ends its child, not the
 * check: that rule has failed, and another child goes on behind it.
 */
public final class Trial {
  /** A plug-in that ends this many children is given up. */
  private static final int MOST_ENDS = 5;

  /** What a child may take beyond a rule's own limit, to start and to tell. */
  private static final long GRACE_NANOS = 15_000_000_000L;

  private static final long SIGNALS = 128;
  private static final long TICK_MILLIS = 100;

  private final Report report;
  private final Setup setup;
  private final List<Rule> rules;
  private final Listener listener;
  private final PrintWriter err;
  private final long end;
  private final Duration limit;

  /** The checks that have come to a result. */
  private int done;

  private int ends;

  /** Is told what happens, on the thread that runs the trial, but for progress. */
  public interface Listener {
    /** A device type is begun. */
    void type(Report.Type type);

    /** A rule came to a result. */
    void check(Report.Check check);

    /** A rule takes its time. Called on another thread. */
    void progress(String what, Duration time);
  }

  /**
   * Prepares it.
   *
   * @param place the plug-in: a jar, or a folder of jars
   * @param setup what the command line says of it
   * @param limit the longest that all of it may take
   * @param listener is told what happens
   * @param err where what the plug-in prints goes
   */
  public Trial(Path place, Setup setup, Duration limit, Listener listener, PrintWriter err) {
    this.report = new Report(place);
    this.setup = setup;
    this.rules = setup.rules();
    this.limit = limit;
    this.listener = listener;
    this.err = err;
    this.end = System.nanoTime() + limit.toNanos();
  }

  /**
   * Runs it.
   *
   * @return what came of it, whatever the plug-in did
   * @throws IOException where no child can be started
   */
  public Report run() throws IOException {
    String givenUp = null;
    while (givenUp == null) {
      Child child = new Child();
      child.run();
      if (child.finished) {
        break;
      }
      ends++;
      if (!child.loaded && report.types().isEmpty()) {
        report.faults().add(report.place().getFileName() + ": loading it " + child.ending());
        break;
      }
      if (child.rule != null) {
        failed(child, child.rule);
      } else if (!child.hung) {
        givenUp = "the JVM of the check " + child.ending();
      }
      skipWhatNeedsADevice();
      if (child.outOfTime) {
        givenUp = "the time limit of " + limit.toSeconds() + " s (--timeout) was reached";
      } else if (ends == MOST_ENDS) {
        givenUp = "the plug-in hung or ended its JVM " + MOST_ENDS + " times";
      }
    }
    if (givenUp != null) {
      giveUp(givenUp);
    }
    return report;
  }

  /** Notes the rule that a child did not come back from. */
  private void failed(Child child, Rule rule) {
    add(
        new Report.Check(
            rule,
            Outcome.FAILED,
            List.of(child.ending()),
            List.of(),
            Duration.ofNanos(System.nanoTime() - child.begun)));
  }

  /** Where making a device ended a child, none of the rules about a live one would fare better. */
  private void skipWhatNeedsADevice() {
    if (done == 0 || !rules.get((done - 1) % rules.size()).name().equals("is_created")) {
      return;
    }
    String why = "no device can be made, see " + rules.get((done - 1) % rules.size());
    while (done % rules.size() != 0 && rules.get(done % rules.size()).needsDevice()) {
      skip(rules.get(done % rules.size()), why);
    }
  }

  private void giveUp(String why) {
    int left = report.types().size() * rules.size() - done;
    if (left == 0) {
      return;
    }
    report
        .faults()
        .add(
            "%s: %d of %d checks were not made: %s"
                .formatted(report.place().getFileName(), left, done + left, why));
    while (done < report.types().size() * rules.size()) {
      skip(rules.get(done % rules.size()), "not checked: " + why);
    }
  }

  private void skip(Rule rule, String why) {
    add(new Report.Check(rule, Outcome.SKIPPED, List.of(why), List.of(), Duration.ZERO));
  }

  private void add(Report.Check check) {
    Report.Type type = report.types().get(done / rules.size());
    if (type.checks().isEmpty()) {
      listener.type(type);
    }
    type.checks().add(check);
    done++;
    listener.check(check);
  }

  /** One child, from its start to its end. */
  private final class Child {
    private final int first = done;
    private final List<String> crash = new ArrayList<>();
    private boolean loaded;
    private boolean finished;
    private boolean hung;
    private int code;
    private @Nullable Rule rule;
    private volatile long begun = System.nanoTime();
    private volatile boolean running = true;
    private volatile boolean outOfTime;
    private volatile boolean tooSlow;
    private volatile String doing = "loading";

    void run() throws IOException {
      Process process = new ProcessBuilder(command()).start();
      Thread prints = Thread.ofPlatform().daemon().start(() -> printsOf(process));
      Thread watch = Thread.ofPlatform().daemon().start(() -> watch(process));
      try (BufferedReader lines = reader(process)) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          Event event = Event.read(line);
          if (event != null) {
            take(event);
          } else if (line.startsWith("#")) {
            crash.add(line);
          } else {
            err.println(line);
          }
        }
        code = process.waitFor();
        running = false;
        prints.join();
        watch.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } finally {
        running = false;
        process.destroyForcibly();
      }
    }

    private List<String> command() {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(
          List.of("-XX:+UseSerialGC", "-Xmx512m", "-XX:-CreateCoredumpOnCrash", "-Xshare:auto"));
      command.add("-XX:ErrorFile=" + tempFile());
      String modulePath = System.getProperty("jdk.module.path");
      if (modulePath != null) {
        command.addAll(List.of("--module-path", modulePath));
      }
      Module module = Worker.class.getModule();
      if (module.isNamed()) {
        command.addAll(List.of("--module", module.getName() + "/" + Worker.class.getName()));
      } else {
        command.addAll(List.of("--class-path", System.getProperty("java.class.path")));
        command.add(Worker.class.getName());
      }
      command.addAll(setup.arguments());
      command.addAll(List.of("--from", Integer.toString(first)));
      command.add(report.place().toString());
      return command;
    }

    private static String tempFile() {
      return System.getProperty("java.io.tmpdir") + File.separator + "kvmdev-test-crash-%p.log";
    }

    private static BufferedReader reader(Process process) {
      return new BufferedReader(
          new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    private void printsOf(Process process) {
      try (BufferedReader lines =
          new BufferedReader(
              new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          err.println(line);
        }
      } catch (IOException e) {
        // The child is gone; so is what it had to say.
      }
    }

    /** Kills a child that takes too long, and tells what takes its time. */
    private void watch(Process process) {
      while (running) {
        try {
          Thread.sleep(TICK_MILLIS);
        } catch (InterruptedException e) {
          return;
        }
        long now = System.nanoTime();
        long since = now - begun;
        outOfTime = now - end > 0;
        tooSlow = since > setup.ruleLimit().toNanos() + GRACE_NANOS;
        if (running && (outOfTime || tooSlow)) {
          // By its handle: Process itself would close what is still to be read.
          process.toHandle().destroyForcibly();
          return;
        }
        if (running) {
          listener.progress(doing, Duration.ofNanos(since));
        }
      }
    }

    private void take(Event event) {
      boolean anew = first == 0;
      switch (event.kind()) {
        case FAULT -> {
          if (anew) {
            report.faults().add(event.text("message"));
          }
        }
        case TYPE -> {
          if (anew) {
            report.types().add(type(event));
          }
        }
        case LOADED -> loaded = true;
        case BEGIN -> {
          rule = Conformance.rule(event.text("rule"));
          doing = "%s, %d of %d".formatted(rule, done + 1, report.types().size() * rules.size());
        }
        case RESULT -> {
          rule = null;
          add(check(event));
        }
        case HUNG -> hung = true;
        case END -> finished = true;
      }
      begun = System.nanoTime();
    }

    private static Report.Type type(Event event) {
      return new Report.Type(
          event.text("number"),
          event.text("name"),
          event.text("summary"),
          event.text("jar"),
          event.text("host"),
          departures(event.list("documented")),
          new ArrayList<>());
    }

    private static Report.Check check(Event event) {
      return new Report.Check(
          Conformance.rule(event.text("rule")),
          Outcome.valueOf(event.text("outcome")),
          event.list("details"),
          departures(event.list("departures")),
          Duration.ofNanos(Long.parseLong(event.text("nanos"))));
    }

    private static List<Departure> departures(List<String> texts) {
      List<Departure> departures = new ArrayList<>();
      for (int i = 0; i + 2 < texts.size(); i += 3) {
        departures.add(new Departure(texts.get(i), texts.get(i + 1), texts.get(i + 2)));
      }
      return departures;
    }

    /** How it ended, where it did not finish. */
    private String ending() {
      if (outOfTime) {
        return "was not done when the time limit of %d s (--timeout) was reached"
            .formatted(limit.toSeconds());
      }
      if (tooSlow) {
        return "hangs: its JVM was killed after %d s"
            .formatted((System.nanoTime() - begun) / 1_000_000_000);
      }
      if (!crash.isEmpty()) {
        return "crashed the JVM: "
            + crashSummary()
            + "; native or unsafe code of a plug-in takes the whole process down";
      }
      return code > SIGNALS
          ? "ended the JVM by signal %d, as the system does that is out of memory"
              .formatted(code - SIGNALS)
          : "ended the JVM with exit code %d: it calls System.exit or Runtime.halt, which would end"
                  .formatted(code)
              + " every VM of its process";
    }

    /** The signal, the frame and the report's name, from what a JVM says at its end. */
    private String crashSummary() {
      List<String> words = new ArrayList<>();
      for (int i = 0; i < crash.size(); i++) {
        String line = crash.get(i).substring(1).strip();
        if (line.startsWith("SIG") || line.startsWith("Internal Error")) {
          words.add(line);
        } else if (line.equals("Problematic frame:") && i + 1 < crash.size()) {
          words.add("in " + crash.get(i + 1).substring(1).strip());
        } else if (line.startsWith("/")) {
          words.add("more in " + line);
        }
      }
      return String.join(", ", words);
    }
  }
}
