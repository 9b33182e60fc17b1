package org.kvmdev.benchmarks;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.stream.Stream;
import org.kvmdev.benchmarks.machine.StartUp;
import org.kvmdev.runtime.Kvm;

/**
 * Measures all rows and prints the table. Each round gives every row a window of about 2 ms, so
 * that whatever else the machine does meets all rows alike; of a row's windows the one counts that
 * was disturbed least: the minimum.
 */
final class Benchmark {
  private static final long WINDOW = 2_000_000;
  private static final int ROUNDS = 200;
  private static final int WARM_UP_TURNS = 400;
  private static final long MOMENT = 20_000;
  private static final String USAGE =
      """
      Usage: ./benchmark [--check] [--rounds N] [--only TEXT]
             ./benchmark --allocations
      Measures kvmdev's hot paths and prints a table; docs/performance.md says how to read it.
        --check        exit code 1 where a target is missed
        --rounds N     windows of each row; %d where it is not given
        --only TEXT    rows whose path has the text, and what they are compared with
        --allocations  JMH's figures for bytes allocated, instead of the table
      """;

  private Benchmark() {}

  /**
   * The command.
   *
   * @param args as its usage says; also several in one, a line each
   * @throws Exception where a path is refused, or does something else than it should
   */
  public static void main(String[] args) throws Exception {
    int status =
        run(
            Stream.of(args)
                .flatMap(String::lines)
                .filter(line -> !line.isEmpty())
                .toArray(String[]::new));
    String file = System.getProperty("kvmdev.benchmark.status");
    if (file != null) {
      // For ./benchmark, which the build does not hand the exit code to.
      Files.writeString(Path.of(file), Integer.toString(status));
    }
    System.exit(status);
  }

  private static int run(String[] args) throws Exception {
    boolean check = false;
    int rounds = ROUNDS;
    String only = "";
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--check" -> check = true;
        case "--" -> {
          // The end of options, which is what the build passes where there are none.
        }
        case "--rounds", "--only" -> {
          if (i + 1 == args.length) {
            return usage();
          }
          String value = args[++i];
          if (args[i - 1].equals("--only")) {
            only = value;
          } else if (value.matches("[1-9][0-9]{0,5}")) {
            rounds = Integer.parseInt(value);
          } else {
            return usage();
          }
        }
        case "--allocations" -> {
          AllocationBenchmarks.run();
          return 0;
        }
        default -> {
          return usage();
        }
      }
    }
    // The build is told where the image is, which cli makes.
    Path command =
        Path.of(System.getProperty("kvmdev.command", "cli/target/distributions/kvmdev/bin/kvmdev"));
    Rows made = new Rows(Kvm.load(), new StartUp(command));
    List<Row> rows = selected(made.all(), only);
    System.out.printf(
        "%s, %s %s, %d processors, Java %s, %d rounds%n",
        LocalDate.now(),
        System.getProperty("os.name"),
        System.getProperty("os.arch"),
        Runtime.getRuntime().availableProcessors(),
        Runtime.version(),
        rounds);
    warmUp(rows, WARM_UP_TURNS, MOMENT);
    measure(rows, rounds);
    System.out.print(Table.of(rows));
    made.absent().forEach(what -> System.out.println("not measured: " + what));
    String misses = Table.misses(rows);
    System.out.print(misses.isEmpty() ? "all targets are met\n" : misses);
    return check && !misses.isEmpty() ? 1 : 0;
  }

  private static int usage() {
    System.err.printf(USAGE, ROUNDS);
    return 2;
  }

  /** The rows that have the text, each behind what it is compared with. */
  static List<Row> selected(List<Row> all, String text) {
    return all.stream()
        .filter(
            row ->
                row.name().contains(text)
                    || all.stream()
                        .anyMatch(other -> other.name().contains(text) && other.reference() == row))
        .toList();
  }

  /**
   * Takes all rows in turns, a moment each, so that what they share is compiled for all of them and
   * not for the row that comes first.
   */
  static void warmUp(List<Row> rows, int turns, long moment) throws Exception {
    for (int turn = 0; turn < turns; turn++) {
      for (Row row : rows) {
        if (row.isQuick()) {
          row.warmUp(moment);
        }
      }
    }
  }

  /** Gives every row its windows. */
  static void measure(List<Row> rows, int rounds) throws Exception {
    Allocations allocations = new Allocations();
    for (int round = 0; round < rounds; round++) {
      for (Row row : rows) {
        for (int window = row.windows(round); window > 0; window--) {
          row.window(WINDOW, allocations);
        }
      }
    }
  }
}
