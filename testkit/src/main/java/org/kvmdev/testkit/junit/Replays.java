package org.kvmdev.testkit.junit;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.testkit.Recordings;
import org.kvmdev.testkit.Recordings.Recording;
import org.kvmdev.testkit.replay.Replay;
import org.kvmdev.testkit.replay.Replayer;

/** Replays of recordings as tests, and how much of them was equal. */
final class Replays {
  private final Replayer replayer;
  private final int expected;
  private final String prefixes;
  private final List<Recording> matching;
  private int recordings;
  private long calls;

  Replays(Kvm kvm, int expected, String... prefixes) {
    this.replayer = new Replayer(kvm);
    this.expected = expected;
    this.prefixes = String.join(", ", prefixes);
    this.matching = Recordings.matching(prefixes);
  }

  /** One that counts the recordings, and one for each, named as its file. */
  Stream<DynamicTest> tests() {
    return Stream.concat(
        Stream.of(DynamicTest.dynamicTest("all recordings are there", this::count)),
        matching.stream().map(one -> DynamicTest.dynamicTest(one.path(), () -> replay(one))));
  }

  private void count() {
    Assertions.assertFalse(matching.isEmpty(), "no recording begins with " + prefixes);
    Assertions.assertEquals(expected, matching.size(), "recordings that begin with " + prefixes);
  }

  private void replay(Recording recording) throws Exception {
    Replay replay = replayer.replay(recording.trace());
    if (replay.status() != Replay.Status.EQUAL) {
      Assertions.fail(replay.report());
    }
    Assertions.assertEquals(recording.lines() - 1, replay.calls(), "calls");
    recordings++;
    calls += replay.calls();
  }

  @Override
  public String toString() {
    return "%d of %d recordings replayed equal, %d calls".formatted(recordings, expected, calls);
  }
}
