package org.kvmdev.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kvmdev.bridge.Programs.Outcome;

/** The library where requests go to a KVM of the machine's own (src/test/c/pass-through.c). */
class PassThroughTest {
  @Test
  void signalsComeAsTheyDoWithoutTheLibrary(@TempDir Path folder) throws IOException {
    Path program =
        Programs.program(
            "pass-through",
            "-Isrc/main/c",
            "src/main/c/link.c",
            "src/main/c/signals.c",
            "src/main/c/files.c",
            "src/main/c/events.c",
            "src/main/c/libc.c",
            "-Wl,--wrap=kvmdev_real_ioctl");
    ProcessBuilder start = new ProcessBuilder(program.toString());
    start.environment().put(ClientLibrary.SOCKET_VARIABLE, folder.resolve("kvm.sock").toString());
    Outcome outcome = Programs.finish(start.redirectErrorStream(true).start());
    assertEquals(0, outcome.status(), outcome.output());
    assertEquals("", outcome.output());
  }
}
