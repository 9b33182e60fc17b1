package org.kvmdev.benchmarks;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.kvmdev.benchmarks.machine.StartUp;
import org.kvmdev.runtime.Kvm;

/** The paths work, and their targets can be missed; how long anything takes is not asserted. */
class RowsTest {
  private static final StartUp NO_IMAGE = new StartUp(Path.of("no/such/image"));

  @Test
  void every_path_can_be_taken() throws Exception {
    Rows rows = new Rows(Kvm.load(), NO_IMAGE);
    for (Row row : rows.all()) {
      row.path().take(3);
    }
    assertTrue(rows.all().size() > 80, "rows: " + rows.all().size());
    assertTrue(rows.absent().toString().contains("no/such/image"), rows.absent()::toString);
  }

  @Test
  void a_window_measures_time_and_bytes() throws Exception {
    Object[] kept = new Object[1];
    Row row =
        new Row(
            "an array of 100 bytes",
            times -> {
              for (int i = 0; i < times; i++) {
                kept[0] = new byte[100];
              }
              return kept.length;
            });
    Benchmark.measure(List.of(row), 3);
    assertTrue(row.nanoseconds() > 0, "ns: " + row.nanoseconds());
    assertTrue(row.bytes() >= 100, "bytes: " + row.bytes());
  }

  @Test
  void a_warm_up_takes_each_row_in_its_turn_and_measures_nothing() throws Exception {
    List<String> taken = new ArrayList<>();
    Row one = new Row("one", times -> taken.add("one") ? 1 : 0);
    Row other = new Row("other", times -> taken.add("other") ? 1 : 0);
    Row slow =
        new Row("slow", times -> taken.add("slow") ? 1 : 0, Target.NONE, Recorded.NOTHING, 5);
    Benchmark.warmUp(List.of(one, slow, other), 2, 0);
    assertEquals(List.of("one", "other", "one", "other"), taken);
    assertTrue(Double.isNaN(one.nanoseconds()));
  }

  @Test
  void the_least_of_all_windows_counts() {
    Row row = row(Target.NONE, Recorded.NOTHING, 30, 0);
    row.record(20, 16);
    row.record(25, 0);
    assertEquals(20, row.nanoseconds());
    assertEquals(0, row.bytes());
  }

  @Test
  void what_is_within_its_target_misses_nothing() {
    Row kernel = row(Target.NONE, Recorded.NOTHING, 200, 0);
    assertEquals(List.of(), row(Target.ATTRIBUTE, kernel, 20, 0).misses());
    assertEquals(List.of(), row(Target.REFUSAL, kernel, 210, 64).misses());
  }

  @Test
  void each_part_of_a_target_can_be_missed() {
    Row kernel = row(Target.NONE, Recorded.NOTHING, 200, 0);
    assertAll(
        () ->
            assertEquals(
                List.of("20.5 ns, at most 20.0", "0.10 of kernel, at most 0.10"),
                row(Target.ATTRIBUTE, kernel, 20.5, 0).misses()),
        () ->
            assertEquals(
                List.of("24.0 bytes, at most 0"), row(Target.ATTRIBUTE, kernel, 10, 24).misses()),
        () ->
            assertEquals(
                List.of("211.0 ns, at most 210.0"), row(Target.REFUSAL, kernel, 211, 0).misses()),
        () ->
            assertEquals(
                List.of("1.75 of kernel, at most 1.50"),
                row(Target.CYCLE_ALL_PENDING, kernel, 350, 0).misses()));
  }

  @Test
  void the_table_says_what_is_missed() {
    Row kernel = row(Target.NONE, Recorded.NOTHING, 200, 0);
    List<Row> rows = List.of(kernel, row(Target.ATTRIBUTE, kernel, 50, 0));
    String[] lines = Table.of(rows).split("\n");
    assertEquals(3, lines.length);
    assertTrue(lines[0].startsWith("path "), lines[0]);
    assertTrue(lines[2].matches("kernel +50\\.0 +20\\.0 +0\\.0 +0\\.25 +0\\.10 +kernel  MISSED"));
    assertTrue(Table.misses(rows).startsWith("missed: kernel: 50.0 ns, at most 20.0"));
  }

  @Test
  void rows_are_selected_with_what_they_are_compared_with() {
    Row kernel = row(Target.NONE, Recorded.NOTHING, 200, 0);
    Row other = new Row("other", times -> 0);
    Row compared = new Row("compared", times -> 0, Target.ATTRIBUTE, kernel);
    assertEquals(
        List.of(kernel, compared), Benchmark.selected(List.of(kernel, other, compared), "comp"));
  }

  private static Row row(Target target, Reference reference, double nanoseconds, double bytes) {
    Row row = new Row("kernel", times -> 0, target, reference);
    row.record(nanoseconds, bytes);
    return row;
  }
}
