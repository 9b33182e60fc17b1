package org.kvmdev.devices.xics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.kvmdev.api.Host;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.testkit.Recordings;
import org.kvmdev.testkit.Recordings.Recording;
import org.kvmdev.testkit.replay.Replay;
import org.kvmdev.testkit.replay.Replayer;
import org.kvmdev.testkit.trace.TraceReader;

/**
 * The recordings once more, as a big-endian host would have made them: each number in user memory
 * is the other way round, and guest memory, whose RTAS blocks are big-endian in any case, is as it
 * was.
 */
class BigEndianRecordingsTest {
  private static final String HOST = "ppc64-xics-6.1";
  private static final Pattern DATA = Pattern.compile("\"(in|out)\":\"([0-9a-f]+)\"");

  private final Replayer replayer = new Replayer(Kvm.of(List.of(new BigEndian())));

  /** The XICS on the recorded host, but for its byte order. */
  private static final class BigEndian extends VariantProvider {
    @Override
    public List<Host> hosts() {
      try (InputStream file = XicsProvider.class.getResourceAsStream(HOST + ".properties")) {
        String text = new String(file.readAllBytes(), StandardCharsets.UTF_8);
        String swapped = text.replace("endian=little", "endian=big");
        assertNotEquals(text, swapped);
        byte[] bytes = swapped.getBytes(StandardCharsets.UTF_8);
        return List.of(Host.read(HOST, new ByteArrayInputStream(bytes)));
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }
  }

  @TestFactory
  Stream<DynamicTest> recordings() {
    return Recordings.matching("xics/").stream()
        .map(one -> DynamicTest.dynamicTest(one.path(), () -> replay(one)));
  }

  private void replay(Recording recording) throws Exception {
    String text;
    try (InputStream in = recording.open()) {
      text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    byte[] swapped = swap(text).getBytes(StandardCharsets.UTF_8);
    Replay replay = replayer.replay(TraceReader.read(recording.path(), swapped));
    assertEquals(Replay.Status.EQUAL, replay.status(), replay::report);
    assertEquals(recording.lines() - 1, replay.calls());
  }

  private static String swap(String trace) {
    return DATA.matcher(trace.replaceFirst("\"endian\":\"little\"", "\"endian\":\"big\""))
        .replaceAll(data -> "\"" + data.group(1) + "\":\"" + reverse(data.group(2)) + "\"");
  }

  private static String reverse(String hex) {
    byte[] bytes = HexFormat.of().parseHex(hex);
    byte[] reversed = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      reversed[i] = bytes[bytes.length - 1 - i];
    }
    return HexFormat.of().formatHex(reversed);
  }

  @Test
  void numbersAreSwappedAndGuestMemoryIsNot() {
    assertEquals(
        "{\"endian\":\"big\"}\n{\"in\":\"0405\",\"bytes\":\"0504\"}",
        swap("{\"endian\":\"little\"}\n{\"in\":\"0504\",\"bytes\":\"0504\"}"));
  }
}
