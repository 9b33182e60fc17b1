package org.kvmdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.testkit.Recordings;
import org.kvmdev.testkit.replay.Difference;
import org.kvmdev.testkit.replay.Replay;
import org.kvmdev.testkit.replay.Replayer;
import org.kvmdev.testkit.trace.BrokenLine;
import org.kvmdev.testkit.trace.Trace;
import org.kvmdev.testkit.trace.TraceException;
import org.kvmdev.testkit.trace.TraceReader;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Replays recordings. */
@Command(
    name = "replay",
    description =
        "Makes the calls of recordings of real kernels, and compares every answer with theirs.",
    footerHeading = "%n",
    footer = {
      "A recording of a host, or with a device type, that no jar offers is told apart, as \"no"
          + " host\"",
      "or \"no device\".",
      "Exit code: 0 all equal, 1 a difference or a file that is no recording."
    },
    mixinStandardHelpOptions = true)
final class ReplayCommand implements Callable<Integer> {
  private static final String FILE_NAME_END = ".kvmtrace.jsonl";
  private static final long PROGRESS_NANOS = 1_000_000_000L;

  @ParentCommand private KvmdevCommand kvmdev;

  @Parameters(
      paramLabel = "RECORDING",
      description =
          "Files, folders of files, or begins of bundled recordings' names (mpic,"
              + " mpic/42-guest); all bundled ones where there is none.")
  private List<String> wanted = new ArrayList<>();

  @Option(
      names = "--differences",
      paramLabel = "N",
      defaultValue = "" + Replayer.DIFFERENCES,
      description = "How many differences of a recording are shown (${DEFAULT-VALUE}).")
  private int differences;

  /** A recording that can be read, bundled or a file. */
  private record Source(String family, String name, Reader reader) {
    @FunctionalInterface
    interface Reader {
      Trace read() throws IOException, TraceException;
    }
  }

  /** What came of a family's recordings. */
  private static final class Sum {
    int recordings;
    int equal;
    long calls;
    long equalCalls;
    int notReplayed;
    int unreadable;
  }

  @Override
  public Integer call() throws IOException {
    List<Source> sources = sources();
    try (Kvm kvm = kvmdev.scope().kvm()) {
      Replayer replayer = new Replayer(kvm, differences);
      Map<String, Sum> sums = new LinkedHashMap<>();
      List<Replay> replays = new ArrayList<>();
      boolean bad = false;
      long told = System.nanoTime();
      for (int i = 0; i < sources.size(); i++) {
        Source source = sources.get(i);
        if (System.nanoTime() - told > PROGRESS_NANOS) {
          told = System.nanoTime();
          kvmdev.scope().err().println("… " + i + " of " + sources.size() + " recordings");
        }
        Sum sum = sums.computeIfAbsent(source.family, family -> new Sum());
        sum.recordings++;
        try {
          Replay replay = replayer.replay(source.reader.read());
          count(sum, replay);
          bad |= replay.status() == Replay.Status.DIFFERENT;
          replays.add(replay);
          if (!kvmdev.scope().isJson()) {
            kvmdev.scope().out().println(replay.report() + elsewhere(replay));
            kvmdev.scope().out().flush();
          }
        } catch (TraceException | IllegalArgumentException e) {
          sum.unreadable++;
          bad = true;
          kvmdev.scope().err().println("kvmdev: " + e.getMessage());
        }
      }
      if (kvmdev.scope().isJson()) {
        printJson(replays);
      } else {
        print(sums);
      }
      return bad ? 1 : 0;
    }
  }

  private static String elsewhere(Replay replay) {
    return replay.status() == Replay.Status.NO_HOST
        ? Distribution.here().elsewhere(replay.host())
        : "";
  }

  private static void count(Sum sum, Replay replay) {
    switch (replay.status()) {
      case NO_HOST, NO_DEVICE -> sum.notReplayed++;
      case EQUAL -> sum.equal++;
      case DIFFERENT -> {}
    }
    if (replay.isReplayed()) {
      sum.calls += replay.calls();
      sum.equalCalls += replay.equal();
    }
  }

  private List<Source> sources() throws IOException {
    List<Source> sources = new ArrayList<>();
    if (wanted.isEmpty()) {
      Recordings.all().forEach(each -> sources.add(bundled(each)));
    }
    for (String name : wanted) {
      Path path = Path.of(name);
      if (Files.isDirectory(path)) {
        folder(path, sources);
      } else if (Files.exists(path)) {
        sources.add(file(path));
      } else {
        List<Recordings.Recording> matching = Recordings.matching(name);
        if (matching.isEmpty()) {
          throw new WrongInput(
              name
                  + " is no file, no folder, and not the begin of a bundled recording's name;"
                  + " the bundled families are: "
                  + String.join(", ", Recordings.families()));
        }
        matching.forEach(each -> sources.add(bundled(each)));
      }
    }
    return sources;
  }

  private static void folder(Path folder, List<Source> sources) throws IOException {
    TreeSet<Path> files = new TreeSet<>();
    try (Stream<Path> all = Files.walk(folder)) {
      all.filter(each -> each.toString().endsWith(FILE_NAME_END)).forEach(files::add);
    }
    if (files.isEmpty()) {
      throw new WrongInput("the folder " + folder + " has no file that ends with " + FILE_NAME_END);
    }
    files.forEach(each -> sources.add(file(each)));
  }

  private static Source file(Path file) {
    Path parent = file.toAbsolutePath().getParent();
    String family = parent == null ? "" : String.valueOf(parent.getFileName());
    return new Source(
        family, file.toString(), () -> TraceReader.read(file.toString(), Files.readAllBytes(file)));
  }

  private static Source bundled(Recordings.Recording recording) {
    return new Source(recording.family(), recording.path(), recording::trace);
  }

  private void print(Map<String, Sum> sums) {
    Sum all = new Sum();
    Table table =
        new Table("FAMILY", "RECORDINGS", "EQUAL", "NOT REPLAYED", "CALLS", "EQUAL", "DIFFERENT");
    sums.forEach(
        (family, sum) -> {
          row(table, family, sum);
          all.recordings += sum.recordings;
          all.equal += sum.equal;
          all.notReplayed += sum.notReplayed;
          all.calls += sum.calls;
          all.equalCalls += sum.equalCalls;
        });
    if (sums.size() > 1) {
      row(table, "all", all);
    }
    kvmdev.scope().out().println();
    table.print(kvmdev.scope().out(), "");
  }

  private static void row(Table table, String family, Sum sum) {
    table.add(
        family,
        Integer.toString(sum.recordings),
        Integer.toString(sum.equal),
        Integer.toString(sum.notReplayed),
        Long.toString(sum.calls),
        Long.toString(sum.equalCalls),
        Long.toString(sum.calls - sum.equalCalls));
  }

  private void printJson(List<Replay> replays) {
    Json.print(
        kvmdev.scope().out(),
        json -> {
          json.writeStartArray();
          for (Replay replay : replays) {
            json.writeStartObject();
            json.writeStringField("recording", replay.name());
            json.writeStringField("host", replay.host());
            json.writeStringField("status", replay.status().toString());
            json.writeNumberField("calls", replay.calls());
            json.writeNumberField("equal", replay.equal());
            json.writeNumberField("different", replay.different());
            json.writeArrayFieldStart("differences");
            for (Difference difference : replay.differences()) {
              json.writeStartObject();
              json.writeNumberField("line", difference.line());
              json.writeStringField("call", difference.call());
              json.writeStringField("expected", difference.expected());
              json.writeStringField("got", difference.got());
              json.writeEndObject();
            }
            json.writeEndArray();
            json.writeArrayFieldStart("broken");
            for (BrokenLine line : replay.broken()) {
              json.writeStartObject();
              json.writeNumberField("line", line.line());
              json.writeStringField("message", line.message());
              json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
          }
          json.writeEndArray();
        });
  }
}
