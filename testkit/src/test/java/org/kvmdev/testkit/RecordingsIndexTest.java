package org.kvmdev.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.kvmdev.testkit.Recordings.Recording;
import org.kvmdev.testkit.trace.Trace;

class RecordingsIndexTest {
  @Test
  void everyRecordingIsAsItWasMade() throws Exception {
    for (Recording recording : Recordings.all()) {
      byte[] bytes;
      try (var in = recording.open()) {
        bytes = in.readAllBytes();
      }
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
      assertEquals(
          recording.sha256(),
          HexFormat.of().formatHex(digest),
          recording + " was changed: a recording is never edited");
    }
  }

  @Test
  void theIndexHasEveryFile() throws Exception {
    URL index = Recordings.class.getResource(Recordings.INDEX);
    assertTrue(index != null && index.getProtocol().equals("file"), "tests run on class folders");
    Path folder = Path.of(URI.create(index.toString())).getParent();
    List<String> files;
    try (Stream<Path> below = Files.walk(folder)) {
      files =
          below
              .map(file -> folder.relativize(file).toString().replace('\\', '/'))
              .filter(file -> file.endsWith(".jsonl"))
              .sorted()
              .toList();
    }
    assertEquals(files, Recordings.all().stream().map(Recording::path).toList());
  }

  @Test
  void everyLineOfEveryRecordingIsACall() throws Exception {
    for (Recording recording : Recordings.all()) {
      Trace trace = recording.trace();
      assertEquals(List.of(), trace.broken(), recording.path());
      assertEquals(recording.lines() - 1, trace.calls().size(), recording.path());
    }
  }

  @Test
  void familiesAndPrefixesSelect() {
    assertEquals(Set.of("arm64", "mpic", "x86", "xics", "xive"), Recordings.families());
    assertEquals(94, Recordings.matching("mpic/").size());
    assertEquals(299, Recordings.matching("").size());
    assertTrue(Recordings.matching("nothing/").isEmpty());
    Recording one = Recordings.matching("mpic/42-connect").get(0);
    assertEquals("mpic", one.family());
    assertEquals("42-connect", one.name());
    assertFalse(one.sha256().isEmpty());
  }
}
