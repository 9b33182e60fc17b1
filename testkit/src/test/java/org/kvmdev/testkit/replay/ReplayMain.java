package org.kvmdev.testkit.replay;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Stream;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.testkit.Recordings;
import org.kvmdev.testkit.trace.Trace;
import org.kvmdev.testkit.trace.TraceException;
import org.kvmdev.testkit.trace.TraceReader;

/**
 * Replays recordings from the command line, while a device is being written: prefixes of those in
 * the testkit ({@code mpic/42-}), files or folders; with providers from the class path.
 */
final class ReplayMain {
  private static final String END = ".kvmtrace.jsonl";

  private ReplayMain() {}

  public static void main(String[] args) throws IOException, TraceException {
    List<DeviceProvider> providers = new ArrayList<>();
    ServiceLoader.load(DeviceProvider.class).forEach(providers::add);
    Replayer replayer =
        new Replayer(Kvm.of(providers), Integer.getInteger("differences", Replayer.DIFFERENCES));
    boolean quiet = Boolean.getBoolean("quiet");

    long begin = System.nanoTime();
    int files = 0;
    int equalFiles = 0;
    long calls = 0;
    long different = 0;
    for (Trace trace : traces(args)) {
      Replay replay = replayer.replay(trace);
      files++;
      calls += replay.calls();
      different += replay.different() + replay.broken().size();
      if (replay.status() == Replay.Status.EQUAL) {
        equalFiles++;
      }
      System.out.println(quiet ? replay.summary() : replay.report());
    }
    System.out.printf(
        "%d recordings, %d equal; %d calls, %d different; %d ms%n",
        files, equalFiles, calls, different, (System.nanoTime() - begin) / 1_000_000);
    System.exit(equalFiles == files ? 0 : 1);
  }

  private static List<Trace> traces(String[] args) throws IOException, TraceException {
    List<Trace> traces = new ArrayList<>();
    for (String arg : args.length == 0 ? new String[] {""} : args) {
      Path path = Path.of(arg);
      if (!arg.isEmpty() && Files.exists(path)) {
        try (Stream<Path> below = Files.walk(path)) {
          for (Path file : below.filter(f -> f.toString().endsWith(END)).sorted().toList()) {
            try (InputStream in = Files.newInputStream(file)) {
              traces.add(TraceReader.read(file.toString(), in));
            }
          }
        }
      } else {
        for (Recordings.Recording recording : Recordings.matching(arg)) {
          traces.add(recording.trace());
        }
      }
    }
    return traces;
  }
}
