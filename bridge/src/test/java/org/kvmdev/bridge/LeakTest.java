package org.kvmdev.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kvmdev.bridge.BridgeOptions.Run;
import org.kvmdev.runtime.Kvm;

/**
 * A client that goes at any step of the protocol leaves nothing behind: no device, no thread, no
 * file descriptor, no process that the server knows; and another client is served all the time.
 */
class LeakTest {
  private static final int KVM_GET_API_VERSION = 0xae00;
  private static final int KVM_CREATE_VM = 0xae01;
  private static final int KVM_CREATE_DEVICE = 0xc00caee0;
  private static final int KVM_SET_DEVICE_ATTR = 0x4018aee1;
  private static final int KVM_GET_DEVICE_ATTR = 0x4018aee2;
  private static final int THOUSAND = 1000;
  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");

  @TempDir private Path folder;
  private final Counted counted = new Counted();
  private Path socket;
  private Kvm kvm;
  private BridgeServer server;
  private Session bystander;

  @BeforeEach
  void serve() throws IOException {
    socket = folder.resolve("kvm.sock");
    kvm = Kvm.of(List.of(counted));
    server = BridgeServer.open(socket, kvm, new BridgeOptions(Counted.HOST, Run.WAIT, null));
    // What is opened once for all, by whatever is used first, is no leak.
    new Session(Integer.MAX_VALUE, Cut.BOTH, 0).runUntilCut();
    bystander = new Session(Integer.MAX_VALUE, Cut.BOTH, 0);
    bystander.begin();
    nothingIsLeft(0, descriptorsNow());
  }

  @AfterEach
  void end() {
    bystander.close();
    server.close();
    kvm.close();
  }

  /** What of a client goes first. */
  private enum Cut {
    /** Its thread. */
    THREAD,
    /** The process, and its thread lives a moment longer. */
    PROCESS,
    /** All at once. */
    BOTH,
    /** All, in the middle of a message. */
    WITHIN_A_MESSAGE
  }

  /** The session ends here, as it was told. */
  private static final class CutException extends IOException {
    private static final long serialVersionUID = 1;
  }

  /** A client that has one thread, and whose messages, both ways, are counted. */
  private final class Session implements AutoCloseable {
    private final SocketChannel ownChannel = connect();
    private final Connection own = new Connection(ownChannel);
    private final SocketChannel channel = connect();
    private final Connection thread = new Connection(channel);
    private final int last;
    private final Cut cut;
    private final Random random;
    private final byte[] memory = new byte[256];
    private int messages;
    private int next = 10;

    /** A session that goes after so many messages. */
    Session(int last, Cut cut, long seed) throws IOException {
      this.last = last;
      this.cut = cut;
      this.random = new Random(seed);
    }

    private SocketChannel connect() throws IOException {
      return SocketChannel.open(UnixDomainSocketAddress.of(socket));
    }

    /** Whether it came to its end before it was cut. */
    boolean runUntilCut() throws IOException {
      try {
        begin();
        long token = childToken();
        assertTrue(token != 0);
        use();
        return true;
      } catch (CutException gone) {
        return false;
      } finally {
        close();
      }
    }

    private void count(Connection connection) throws IOException {
      if (messages++ < last) {
        return;
      }
      switch (cut) {
        case THREAD -> thread.close();
        case PROCESS -> {
          own.close();
          // The thread asks on, or waits for an answer that does not come.
          try {
            thread.begin(MessageType.ADOPT).putInt(3);
            thread.send();
            thread.receive();
            thread.receive();
          } catch (IOException known) {
            // The server has closed it.
          }
        }
        case BOTH -> {}
        case WITHIN_A_MESSAGE -> {
          ByteBuffer some = ByteBuffer.allocate(1 + random.nextInt(20));
          some.put(0, (byte) MessageType.IOCTL);
          (connection == own ? ownChannel : channel).write(some);
        }
      }
      throw new CutException();
    }

    private void send(Connection connection) throws IOException {
      count(connection);
      connection.send();
    }

    private int receive(Connection connection) throws IOException {
      int type = connection.receive();
      count(connection);
      return type;
    }

    private long hello(Connection connection, int role, long token) throws IOException {
      connection
          .begin(MessageType.HELLO)
          .putInt(BridgeServer.MAGIC)
          .putInt(BridgeServer.VERSION)
          .putInt(role)
          .putInt(64)
          .putInt(BridgeServer.LITTLE)
          .putInt(KVM_SET_DEVICE_ATTR)
          .putInt(4711)
          .putLong(token)
          .put(new byte[BridgeServer.ARCHITECTURE_BYTES]);
      send(connection);
      assertEquals(MessageType.WELCOME, receive(connection));
      return connection.body().getLong(connection.body().position() + 8);
    }

    void begin() throws IOException {
      hello(thread, BridgeServer.ROLE_THREAD, hello(own, BridgeServer.ROLE_PROCESS, 0));
      thread.begin(MessageType.ADOPT).putInt(3);
      assertEquals(0, answer());
    }

    /** A fork, whose child goes at once. */
    private long childToken() throws IOException {
      try (SocketChannel fork = connect();
          Connection child = new Connection(fork)) {
        long token = own.body().getLong(own.body().position() + 8);
        return hello(child, BridgeServer.ROLE_PROCESS, token);
      }
    }

    private void use() throws IOException {
      assertEquals(12, ioctl(3, KVM_GET_API_VERSION, 0));
      long vm = ioctl(3, KVM_CREATE_VM, 0);
      int device = device(vm);
      ByteBuffer structure = ByteBuffer.wrap(memory).order(thread.body().order());
      structure.putInt(0, 0).putInt(4, 0).putLong(8, 2).putLong(16, 64);
      assertEquals(0, ioctl(device, KVM_SET_DEVICE_ATTR, 0));
      assertEquals(0, ioctl(device, KVM_GET_DEVICE_ATTR, 0));
      thread.begin(MessageType.DUP).putInt(device).putInt(next);
      assertEquals(0, answer());
      thread.begin(MessageType.MMAP).putInt(device).putLong(0).putLong(4096);
      assertEquals(-1, answer());
      thread.begin(MessageType.CLOSE).putInt(device);
      assertEquals(0, answer());
      device(ioctl(3, KVM_CREATE_VM, 0));
    }

    int device(long vm) throws IOException {
      assertTrue(vm > 0);
      ByteBuffer structure = ByteBuffer.wrap(memory).order(thread.body().order());
      structure.putInt(0, 7).putInt(8, 0);
      assertEquals(0, ioctl((int) vm, KVM_CREATE_DEVICE, 0));
      return structure.getInt(4);
    }

    /** A request of which nothing comes along, so that the server asks for all. */
    long ioctl(int fd, int request, long argument) throws IOException {
      thread.begin(MessageType.IOCTL).putInt(fd).putInt(request).putLong(argument).putInt(0);
      return answer();
    }

    private long answer() throws IOException {
      while (true) {
        send(thread);
        int type = receive(thread);
        ByteBuffer body = thread.body();
        switch (type) {
          case MessageType.DONE -> {
            return body.getLong();
          }
          case MessageType.READ -> {
            int at = (int) body.getLong();
            thread.begin(MessageType.BYTES).put(memory, at, body.getInt());
          }
          case MessageType.WRITE -> {
            int at = (int) body.getLong();
            int length = body.remaining();
            body.get(memory, at, length);
            result(length);
          }
          case MessageType.RESERVE -> result(next++);
          default -> result(0);
        }
      }
    }

    private void result(long value) {
      thread.begin(MessageType.RESULT).putLong(value).putInt(0);
    }

    @Override
    public void close() {
      thread.close();
      own.close();
    }
  }

  private static long descriptorsNow() throws IOException {
    try (Stream<Path> all = Files.list(DESCRIPTORS)) {
      return all.count();
    }
  }

  private static long threadsNow() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(each -> each.getName().equals("kvmdev-client"))
        .count();
  }

  private static void waitUntil(BooleanSupplier condition, String what) {
    long patience = System.nanoTime() + Programs.PATIENCE_SECONDS * 1_000_000_000L;
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < patience, () -> "never: " + what);
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** But for the bystander, who has two connections. */
  private void nothingIsLeft(int devices, long descriptors) {
    waitUntil(() -> server.processes() == 1, "the client's process is forgotten");
    waitUntil(() -> server.connections() == 2, "its connections are");
    waitUntil(() -> counted.alive.get() == devices, "its devices have ended");
    waitUntil(() -> threadsNow() == 2, "its threads have");
    waitUntil(
        () -> {
          try {
            return descriptorsNow() <= descriptors;
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        },
        "its file descriptors are closed");
  }

  private void stillServes() throws IOException {
    assertEquals(12, bystander.ioctl(3, KVM_GET_API_VERSION, 0));
  }

  @Test
  void aClientThatGoesAtAnyStepLeavesNothing() throws IOException {
    long seed = Long.getLong("kvmdev.seed", 20250103);
    long descriptors = descriptorsNow();
    for (Cut cut : Cut.values()) {
      boolean finished = false;
      int steps = 0;
      while (!finished) {
        finished = new Session(steps, cut, seed + steps).runUntilCut();
        steps++;
        stillServes();
      }
      assertTrue(steps > 50, "a session has more steps than " + steps);
      nothingIsLeft(0, descriptors);
    }
  }

  @Test
  void ofAThousandVmsNothingIsLeft() throws IOException {
    long descriptors = descriptorsNow();
    try (Session client = new Session(Integer.MAX_VALUE, Cut.BOTH, 0)) {
      client.begin();
      for (int i = 0; i < THOUSAND; i++) {
        client.device(client.ioctl(3, KVM_CREATE_VM, 0));
        if (i % 100 == 0) {
          stillServes();
        }
      }
      assertEquals(THOUSAND, counted.alive.get());
    }
    nothingIsLeft(0, descriptors);
    stillServes();
  }

  @Test
  void garbageAndCutsLeaveNothing() throws IOException {
    Random random = new Random(Long.getLong("kvmdev.seed", 20250104));
    long descriptors = descriptorsNow();
    for (int i = 0; i < 500; i++) {
      byte[] garbage = new byte[random.nextInt(300)];
      random.nextBytes(garbage);
      try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
        channel.write(ByteBuffer.wrap(garbage));
        if (random.nextBoolean()) {
          channel.shutdownOutput();
        }
      } catch (IOException closed) {
        // The server was faster.
      }
    }
    nothingIsLeft(0, descriptors);
    stillServes();
  }

  /** The server's own end: its clients learn of it, and nothing of them stays either. */
  @Test
  void aServerThatClosesTakesItsClientsAlong() throws IOException {
    Session client = new Session(Integer.MAX_VALUE, Cut.BOTH, 0);
    client.begin();
    client.device(client.ioctl(3, KVM_CREATE_VM, 0));
    server.close();
    assertThrows(IOException.class, () -> client.ioctl(3, KVM_GET_API_VERSION, 0));
    client.close();
    waitUntil(() -> counted.alive.get() == 0, "its device has ended");
    waitUntil(() -> threadsNow() == 0, "no thread is left");
    waitUntil(() -> server.connections() == 0, "no connection is left");
  }
}
