package org.kvmdev.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kvmdev.bridge.Programs.Outcome;

/** The library against a server that says whatever comes (src/test/c/fuzz.c). */
class FuzzTest {
  private static final String ROUNDS = System.getProperty("kvmdev.fuzz.rounds", "2000");

  @Test
  void theLibraryTakesNothingForGranted(@TempDir Path folder) throws IOException {
    String[] sources = {
      "-Isrc/main/c",
      "src/main/c/link.c",
      "src/main/c/signals.c",
      "src/main/c/files.c",
      "src/main/c/events.c",
      "src/main/c/libc.c"
    };
    Path program;
    try {
      program =
          Programs.program(
              "fuzz",
              Programs.with(
                  sources, "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"));
    } catch (IllegalStateException noSanitizers) {
      System.out.println("skipped: the C compiler has no sanitizers: " + noSanitizers.getMessage());
      assumeTrue(false, "the C compiler has no sanitizers");
      return;
    }
    for (String seed : new String[] {"1", "2", Long.toString(System.nanoTime() & 0xffff)}) {
      ProcessBuilder fuzz = new ProcessBuilder(program.toString(), seed, ROUNDS);
      fuzz.environment()
          .put(ClientLibrary.SOCKET_VARIABLE, folder.resolve(seed + ".sock").toString());
      Outcome outcome = Programs.finish(fuzz.redirectErrorStream(true).start());
      assertEquals(0, outcome.status(), () -> "seed " + seed + ": " + outcome.output());
      assertTrue(outcome.output().endsWith(ROUNDS + " connections\n"), outcome::output);
    }
  }
}
