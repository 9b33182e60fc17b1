package org.kvmdev.bridge;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Host;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.Request;
import org.kvmdev.runtime.ioctl.RequestNumbers;

/**
 * Answers programs on a Unix socket. Several can be there at once, each with many threads and VMs;
 * one that ends, in whatever way, takes its own VMs along and nothing else.
 */
public final class BridgeServer implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("org.kvmdev.bridge");

  static final int MAGIC = 0x444d_564b;
  static final int VERSION = 2;
  private static final int HELLO_BYTES = 52;
  static final int LITTLE = 1;
  static final int BIG = 2;
  static final int ARCHITECTURE_BYTES = 16;
  static final int ROLE_PROCESS = 0;
  static final int ROLE_THREAD = 1;

  private final Path socket;
  private final Kvm kvm;
  private final BridgeOptions options;

  /** Whether its clients are none: what they ask for in vain is not told. */
  private final boolean rehearses;

  private final ServerSocketChannel channel;
  private final Map<Long, ServedProcess> processes = new ConcurrentHashMap<>();
  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();

  private BridgeServer(Path socket, Kvm kvm, BridgeOptions options, boolean rehearses)
      throws IOException {
    this.socket = socket;
    this.kvm = kvm;
    this.options = options;
    this.rehearses = rehearses;
    this.channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
  }

  /**
   * Begins to answer.
   *
   * @param socket where the socket is made; there must be nothing yet
   * @param kvm the device types and hosts; it stays its owner's, and outlives the server
   * @param options how the server answers
   * @return the server
   * @throws IOException where the socket cannot be made
   * @throws IllegalArgumentException where the options name a host that there is not
   */
  public static BridgeServer open(Path socket, Kvm kvm, BridgeOptions options) throws IOException {
    if (options.host() != null) {
      kvm.host(options.host());
    }
    return open(new BridgeServer(socket, kvm, options, false));
  }

  /** Begins to answer a {@link Rehearsal}. */
  static BridgeServer rehearsing(Path socket, Kvm kvm, Host host) throws IOException {
    BridgeOptions options = new BridgeOptions(host.name(), BridgeOptions.Run.EXIT, null);
    return open(new BridgeServer(socket, kvm, options, true));
  }

  private static BridgeServer open(BridgeServer server) throws IOException {
    try {
      server.channel.bind(UnixDomainSocketAddress.of(server.socket));
    } catch (IOException | RuntimeException e) {
      server.channel.close();
      throw e;
    }
    Thread.ofPlatform().daemon().name("kvmdev-bridge").start(server::accept);
    return server;
  }

  private void accept() {
    // Takes its time when it is the first of the process: the first client needs time to start too.
    SecureRandom tokens = new SecureRandom();
    while (channel.isOpen()) {
      SocketChannel client;
      try {
        client = channel.accept();
      } catch (ClosedChannelException closed) {
        return;
      } catch (IOException e) {
        // Out of file descriptors, say: those who are there go on, and may leave.
        LOG.log(Level.WARNING, "no client can be taken: " + e.getMessage());
        pause();
        continue;
      }
      Connection connection = new Connection(client);
      connections.add(connection);
      Thread.ofPlatform().daemon().name("kvmdev-client").start(() -> serve(connection, tokens));
    }
  }

  private static void pause() {
    try {
      Thread.sleep(100);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void serve(Connection connection, SecureRandom tokens) {
    try (connection) {
      greet(connection, tokens);
    } catch (ProtocolException e) {
      LOG.log(Level.WARNING, "a connection is given up: " + e.getMessage());
    } catch (IOException end) {
      // The client, or this thread of it, has ended.
    } finally {
      connections.remove(connection);
    }
  }

  private void greet(Connection connection, SecureRandom tokens) throws IOException {
    if (connection.receive() != MessageType.HELLO) {
      throw new ProtocolException("a first message that is no HELLO");
    }
    connection.requireBody(HELLO_BYTES, HELLO_BYTES);
    ByteBuffer body = connection.body();
    int magic = body.getInt();
    int version = body.getInt();
    int role = body.getInt();
    int wordBits = body.getInt();
    int order = body.getInt();
    int sample = body.getInt();
    int pid = body.getInt();
    long token = body.getLong();
    byte[] name = new byte[ARCHITECTURE_BYTES];
    body.get(name);
    String architecture = new String(name, StandardCharsets.US_ASCII).replace("\0", "");
    if (magic != MAGIC) {
      throw new ProtocolException("a first message that is no client's");
    }
    if (version != VERSION) {
      connection.sendText(
          MessageType.REFUSED,
          "the library speaks version "
              + Integer.toUnsignedString(version)
              + " of the protocol, and the server version "
              + VERSION
              + "; take both from the same kvmdev");
      return;
    }
    ServedProcess known = processes.get(token);
    if (role == ROLE_THREAD && known != null) {
      connection.expectSoon();
      welcome(connection, token, known);
      known.serve(connection);
    } else if (role == ROLE_PROCESS && (token == 0 || known != null)) {
      ServedProcess process;
      try {
        process =
            known != null ? known.fork(pid) : process(pid, architecture, wordBits, order, sample);
      } catch (IllegalArgumentException e) {
        connection.sendText(MessageType.REFUSED, String.valueOf(e.getMessage()));
        return;
      }
      long fresh = token(tokens);
      processes.put(fresh, process);
      try {
        welcome(connection, fresh, process);
        process.attend(connection);
      } finally {
        processes.remove(fresh);
        process.end();
      }
    } else {
      connection.sendText(MessageType.REFUSED, "the process is not known to this server");
    }
  }

  /** A program that has just opened its /dev/kvm. */
  private ServedProcess process(int pid, String architecture, int wordBits, int order, int sample) {
    ByteOrder byteOrder = order == LITTLE ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN;
    Recorder recorder = options.recorder();
    if (options.ownKvm()) {
      return new RecordedProcess(
          pid,
          transcript(
              recorder,
              architecture,
              byteOrder,
              (kind, request) -> "request 0x" + Integer.toHexString(request)));
    }
    if (wordBits != 32 && wordBits != 64 || order != LITTLE && order != BIG) {
      throw new IllegalArgumentException(
          "a program with words of %d bits in order %d; there are 32 and 64, %d and %d"
              .formatted(wordBits, order, LITTLE, BIG));
    }
    Host host = host(architecture);
    RequestNumbers numbers = RequestNumbers.of(host);
    requireFit(host, numbers, architecture, sample);
    Host seen = host.seenBy(byteOrder, wordBits);
    if (recorder != null && seen != host) {
      throw new IllegalArgumentException(
          "a recording of host "
              + host.name()
              + " is in its words and byte order, and the program has others; build it for "
              + host.architecture());
    }
    return new RemoteProcess(
        pid,
        kvm,
        seen,
        options,
        !rehearses,
        transcript(
            recorder,
            host.architecture(),
            byteOrder,
            (kind, request) -> RequestNames.of(numbers, kind, request)));
  }

  /** The calls of a process are written down where it is the first of a program. */
  private static @Nullable Transcript transcript(
      @Nullable Recorder recorder, String architecture, ByteOrder order, Transcript.Names names) {
    return recorder != null && recorder.take(architecture, order)
        ? new Transcript(order, recorder, names)
        : null;
  }

  private static long token(SecureRandom tokens) {
    long token = 0;
    while (token == 0) {
      token = tokens.nextLong();
    }
    return token;
  }

  private static void welcome(Connection connection, long token, ServedProcess process)
      throws IOException {
    ByteBuffer body = connection.begin(MessageType.WELCOME);
    body.putInt(VERSION).putInt(process.welcomeFlags()).putLong(token);
    for (ServedProcess.Along each : process.along()) {
      body.putInt(each.request()).putInt(each.at()).putInt(each.length());
    }
    connection.send();
  }

  /** The host that a client runs on: of its architecture, the last that there is. */
  private Host host(String architecture) {
    String wanted = options.host();
    if (wanted != null) {
      return kvm.host(wanted);
    }
    @Nullable Host last = null;
    for (Host host : kvm.hosts()) {
      if (host.architecture().equals(architecture)) {
        last = host;
      }
    }
    if (last == null) {
      throw new IllegalArgumentException(
          "there is no host of the program's architecture, "
              + architecture
              + "; name one with --host: "
              + String.join(", ", kvm.hosts().stream().map(Host::name).toList()));
    }
    return last;
  }

  /**
   * A program of another architecture than its host's is served where it numbers requests alike:
   * structures are the same, with their numbers in the program's order.
   */
  private static void requireFit(
      Host host, RequestNumbers numbers, String architecture, int sample) {
    if (sample != numbers.of(Request.SET_DEVICE_ATTR)) {
      throw new IllegalArgumentException(
          "a program for "
              + architecture
              + " cannot run on host "
              + host.name()
              + ": its request numbers are others; build it for "
              + host.architecture());
    }
  }

  /**
   * Where the server answers.
   *
   * @return the socket
   */
  public Path socket() {
    return socket;
  }

  /**
   * How the server answers.
   *
   * @return the options that it was opened with
   */
  public BridgeOptions options() {
    return options;
  }

  /**
   * How many processes are there now.
   *
   * @return their number, forks included
   */
  public int processes() {
    return processes.size();
  }

  /** How many connections there are now. */
  int connections() {
    return connections.size();
  }

  /** Ends all connections, and with them the clients' VMs, and removes the socket. */
  @Override
  public void close() {
    try {
      channel.close();
      Files.deleteIfExists(socket);
    } catch (IOException e) {
      LOG.log(Level.WARNING, "the socket " + socket + " is left behind: " + e.getMessage());
    }
    connections.forEach(Connection::close);
  }
}
