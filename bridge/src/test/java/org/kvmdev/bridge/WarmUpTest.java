package org.kvmdev.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kvmdev.api.Host;
import org.kvmdev.runtime.Kvm;

/** What is rehearsed leaves nothing behind, and ends with the program that it was for. */
class WarmUpTest {
  @TempDir private Path folder;
  private Path socket;

  @BeforeEach
  void choose() {
    socket = folder.resolve("warm-up.sock");
  }

  @Test
  void theCallsOfAStartAreMadeOfDevicesToo() throws IOException {
    Counted counted = new Counted();
    try (Kvm kvm = Kvm.of(List.of(counted))) {
      Rehearsal.run(kvm, kvm.host(Counted.HOST), socket, 1);
    }
    assertTrue(counted.made.get() > 0, "no device was made");
    assertEquals(0, counted.alive.get(), "a device was left behind");
    assertFalse(Files.exists(socket), "the socket was left behind");
  }

  /** It is ended in the middle of whatever it does, and leaves no socket behind. */
  @Test
  void itEndsAtAnyTime() throws IOException, InterruptedException {
    try (Kvm kvm = Kvm.of(List.of(new Counted()))) {
      Host host = kvm.host(Counted.HOST);
      for (int microseconds = 0; microseconds < 20_000; microseconds += 1_000) {
        WarmUp warmUp = WarmUp.begin(kvm, host, socket);
        Thread.sleep(microseconds / 1_000, microseconds % 1_000 * 1_000);
        warmUp.close();
        assertFalse(Files.exists(socket), "the socket was left behind");
      }
    }
  }

  /** A server that cannot be there is not the program's concern, nor the other server's. */
  @Test
  void aSocketThatIsTakenIsNobodysConcern() throws IOException {
    try (Kvm kvm = Kvm.of(List.of(new Counted()));
        BridgeServer other = BridgeServer.open(socket, kvm, BridgeOptions.DEFAULT)) {
      WarmUp.begin(kvm, kvm.host(Counted.HOST), socket).close();
      try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(other.socket()))) {
        assertTrue(client.isConnected());
      }
    }
  }
}
