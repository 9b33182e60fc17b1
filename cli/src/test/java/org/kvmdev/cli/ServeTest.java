package org.kvmdev.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kvmdev.bridge.ClientLibrary;
import org.kvmdev.bridge.MissingException;
import org.kvmdev.bridge.Target;

/** A server for programs that are started elsewhere. */
class ServeTest {
  private static final String HOST = "arm64-gicv3-6.1";
  private static final int TERMINATED = 128 + 15;

  @TempDir private Path folder;

  private static Target machine() {
    for (Target target : Target.values()) {
      if (target.isNative()) {
        return target;
      }
    }
    throw new IllegalStateException("this machine is none of " + List.of(Target.values()));
  }

  private Path client() throws IOException, InterruptedException {
    if (ClientLibrary.compiler(machine()) == null) {
      System.out.println("skipped: there is no C compiler (on Debian: apt install gcc libc6-dev)");
      assumeTrue(false, "there is no C compiler");
    }
    Path program = folder.resolve("region");
    String compiler = String.valueOf(ClientLibrary.compiler(machine()));
    String source = Path.of("src", "test", "c", "region.c").toString();
    assertEquals(
        0, new ProcessBuilder(compiler, "-o", program.toString(), source).start().waitFor());
    return program;
  }

  private Process start(Path client, Path socket) throws IOException, MissingException {
    ProcessBuilder builder = new ProcessBuilder(client.toString()).inheritIO();
    builder.environment().put("LD_PRELOAD", ClientLibrary.of(machine()).toString());
    builder.environment().put(ClientLibrary.SOCKET_VARIABLE, socket.toString());
    return builder.start();
  }

  private OwnProcess serve(Path socket) throws IOException {
    return new OwnProcess(
        folder,
        Map.of(),
        "serve",
        "--socket",
        socket.toString(),
        "--host",
        HOST,
        "--log",
        "--summary");
  }

  @Test
  void programsOfElsewhereAreServedUntilItIsToldToEnd() throws Exception {
    Path client = client();
    Path socket = folder.resolve("kvm.sock");
    try (OwnProcess server = serve(socket)) {
      server.awaitOutput("kvmdev serves at " + socket);
      assertTrue(server.output().contains(ClientLibrary.SOCKET_VARIABLE + "=" + socket));
      List<Process> clients = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        clients.add(start(client, socket));
      }
      for (Process each : clients) {
        assertEquals(0, each.waitFor());
      }

      // Where one answers, there is no room for another.
      try (OwnProcess second = serve(socket)) {
        assertEquals(2, second.status());
        assertTrue(second.output().contains("another server answers at"), second::toString);
      }
      assertEquals(0, start(client, socket).waitFor());

      server.terminate();
      assertEquals(TERMINATED, server.status());
      assertFalse(Files.exists(socket), "the socket is left behind");
      String said = server.output();
      assertTrue(said.contains("SET vgic-v3 ADDR/REDIST_REGION = 0x100000080a0000 → 0"), said);
      assertTrue(said.contains("kvmdev: 16 requests, 4 refused"), said);
      assertTrue(said.contains("vgic-v3   SET ADDR           8      EINVAL 4"), said);
    }
  }

  @Test
  void theSocketOfAServerThatWasKilledIsTakenOver() throws Exception {
    Path client = client();
    Path socket = folder.resolve("kvm.sock");
    try (OwnProcess killed = serve(socket)) {
      killed.awaitOutput("kvmdev serves at " + socket);
      killed.kill();
    }
    assertTrue(Files.exists(socket));
    try (OwnProcess server = serve(socket)) {
      server.awaitOutput("kvmdev serves at " + socket);
      assertEquals(0, start(client, socket).waitFor());
    }
  }
}
