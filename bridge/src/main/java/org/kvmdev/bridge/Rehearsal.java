package org.kvmdev.bridge;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.api.HostTables;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.Direction;
import org.kvmdev.runtime.ioctl.Request;
import org.kvmdev.runtime.ioctl.RequestNumbers;

/**
 * A client that makes the calls of a VMM's start, with nothing behind it: what a JVM has seen of
 * them once, it can lay out ahead for every later start. What is answered does not matter here, and
 * a host refuses what it has not.
 */
public final class Rehearsal {
  private static final int VERSION_AND_FLAGS = 8;

  /** So many rounds over all registers are enough for the JVM to know what is called often. */
  private static final int ROUNDS = 10;

  private static final int CAPABILITIES = 240;
  private static final int GROUPS = 12;

  /**
   * KVM_ARM_PREFERRED_TARGET and KVM_ARM_VCPU_INIT, before which an arm64's vCPU has no registers.
   */
  private static final int PREFERRED_TARGET = 0xaf;

  private static final int VCPU_INIT = 0xae;
  private static final int INIT_BYTES = 32;

  /** KVM_MEM_LOG_DIRTY_PAGES, KVM_IRQ_ROUTING_IRQCHIP, KVM_IRQ_ROUTING_MSI. */
  private static final int LOG_DIRTY_PAGES = 1;

  private static final int PIN_ROUTE = 1;
  private static final int MESSAGE_ROUTE = 2;

  /** Where the client's memory is: the structure of a request, what it points to, a list. */
  private static final long STRUCTURE = 0x1000;

  private static final int VALUE = 0x100;
  private static final int LIST = 0x1000;
  private static final int MEMORY = 0x10000;

  private final Connection connection;
  private final RequestNumbers numbers;
  private final ByteBuffer memory;
  private final int rounds;
  private int next = 4;

  private Rehearsal(SocketChannel channel, Host host, int rounds) {
    this.rounds = rounds;
    connection = new Connection(channel);
    numbers = RequestNumbers.of(host);
    memory = ByteBuffer.allocate(MEMORY).order(host.byteOrder());
  }

  /**
   * Makes the calls on each host that there is, often enough for the JVM to know what is hot.
   *
   * @param kvm the hosts and device types
   * @param folder a folder for the sockets
   * @throws IOException where there can be no socket
   */
  public static void run(Kvm kvm, Path folder) throws IOException {
    for (Host host : kvm.hosts()) {
      run(kvm, host, folder.resolve(host.name()), ROUNDS);
    }
  }

  /**
   * Makes the calls on one host.
   *
   * @param kvm the device types
   * @param host the host
   * @param socket where the server that is called answers meanwhile
   * @param rounds how often over all registers
   * @throws IOException where there can be no socket, or the thread is interrupted
   */
  static void run(Kvm kvm, Host host, Path socket, int rounds) throws IOException {
    try (BridgeServer server = BridgeServer.rehearsing(socket, kvm, host);
        SocketChannel own = SocketChannel.open(UnixDomainSocketAddress.of(server.socket()));
        SocketChannel thread = SocketChannel.open(UnixDomainSocketAddress.of(server.socket()))) {
      long token = new Rehearsal(own, host, rounds).hello(host, BridgeServer.ROLE_PROCESS, 0);
      Rehearsal client = new Rehearsal(thread, host, rounds);
      client.hello(host, BridgeServer.ROLE_THREAD, token);
      client.start(kvm, host);
    }
  }

  private long hello(Host host, int role, long token) throws IOException {
    byte[] architecture = new byte[BridgeServer.ARCHITECTURE_BYTES];
    byte[] name = host.architecture().getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(name, 0, architecture, 0, name.length);
    connection
        .begin(MessageType.HELLO)
        .putInt(BridgeServer.MAGIC)
        .putInt(BridgeServer.VERSION)
        .putInt(role)
        .putInt((int) host.number("word.bits", Long.SIZE))
        .putInt(
            host.byteOrder() == ByteOrder.LITTLE_ENDIAN ? BridgeServer.LITTLE : BridgeServer.BIG)
        .putInt(numbers.of(Request.SET_DEVICE_ATTR))
        .putInt(0)
        .putLong(token)
        .put(architecture);
    connection.send();
    connection.expect(MessageType.WELCOME, VERSION_AND_FLAGS + Long.BYTES);
    return connection.body().getLong(connection.body().position() + VERSION_AND_FLAGS);
  }

  private void start(Kvm kvm, Host host) throws IOException {
    int system = next++;
    connection.begin(MessageType.ADOPT).putInt(system);
    answer();
    ask(system, Request.GET_API_VERSION, 0);
    for (int capability = 0; capability < CAPABILITIES; capability++) {
      ask(system, Request.CHECK_EXTENSION, capability);
    }
    int vm = (int) ask(system, Request.CREATE_VM, 0);
    int vcpu = (int) ask(vm, Request.CREATE_VCPU, 0);
    ioctl(vm, numbers.of(Direction.READ, PREFERRED_TARGET, INIT_BYTES), STRUCTURE);
    ioctl(vcpu, numbers.of(Direction.WRITE, VCPU_INIT, INIT_BYTES), STRUCTURE);
    memory.putLong(LIST, (MEMORY - LIST) / Long.BYTES - 1);
    ask(vcpu, Request.GET_REG_LIST, STRUCTURE + LIST);
    int registers = (int) Math.min(memory.getLong(LIST), (MEMORY - LIST) / Long.BYTES - 1);
    for (int round = 0; round < rounds; round++) {
      for (int i = 1; i <= registers; i++) {
        memory.putLong(0, memory.getLong(LIST + Long.BYTES * i));
        memory.putLong(Long.BYTES, STRUCTURE + VALUE);
        ask(vcpu, Request.GET_ONE_REG, STRUCTURE);
        ask(vcpu, Request.SET_ONE_REG, STRUCTURE);
      }
    }
    setUp(vm);
    for (HostTables.Structure each : host.tables().structures()) {
      int fd =
          switch (each.target()) {
            case KVM -> system;
            case VM -> vm;
            case VCPU -> vcpu;
          };
      ioctl(fd, each.get(), STRUCTURE);
      ioctl(fd, each.set(), STRUCTURE);
    }
    attributes(vm, 1);
    attributes(vcpu, 1);
    for (DeviceType type : kvm.types(host)) {
      memory.putInt(0, type.number()).putInt(8, 0);
      if (ask(vm, Request.CREATE_DEVICE, STRUCTURE) == 0) {
        attributes(memory.getInt(4), rounds * rounds);
      }
    }
    ask(vcpu, Request.RUN, 0);
    for (int fd = next - 1; fd >= system; fd--) {
      connection.begin(MessageType.CLOSE).putInt(fd);
      answer();
    }
  }

  /** What a VMM gives a VM beside vCPUs and devices: memory, events, routes. */
  private void setUp(int vm) throws IOException {
    memory.putInt(0, 0).putInt(4, LOG_DIRTY_PAGES);
    memory.putLong(8, 0).putLong(16, MEMORY).putLong(24, MEMORY);
    ask(vm, Request.SET_USER_MEMORY_REGION, STRUCTURE);
    memory.putInt(0, 0).putLong(8, STRUCTURE + VALUE);
    ask(vm, Request.GET_DIRTY_LOG, STRUCTURE);
    memory.putInt(0, 0).putInt(4, 1).putLong(8, 0).putLong(16, STRUCTURE + VALUE);
    ask(vm, Request.CLEAR_DIRTY_LOG, STRUCTURE);
    memory.putLong(0, 0).putLong(8, MEMORY).putInt(16, Integer.BYTES).putInt(20, 0).putInt(24, 0);
    ask(vm, Request.IOEVENTFD, STRUCTURE);
    memory.putInt(0, 0).putInt(4, 0).putInt(8, 0);
    ask(vm, Request.IRQFD, STRUCTURE);
    memory.putInt(0, 2).putInt(4, 0);
    memory.putInt(8, 0).putInt(12, PIN_ROUTE).putInt(16, 0).putLong(24, 0);
    memory.putInt(56, 1).putInt(60, MESSAGE_ROUTE).putInt(64, 0).putLong(72, 0);
    ask(vm, Request.SET_GSI_ROUTING, STRUCTURE);
    memory.putInt(0, 0).putInt(4, 0);
    ask(vm, Request.IRQ_LINE, STRUCTURE);
    ask(vm, Request.ENABLE_CAP_VM, STRUCTURE);
  }

  private void attributes(int fd, int rounds) throws IOException {
    for (int i = 0; i < GROUPS * rounds; i++) {
      memory.putInt(0, 0).putInt(4, i % GROUPS);
      memory.putLong(8, i / GROUPS * 4L).putLong(16, STRUCTURE + VALUE);
      ask(fd, Request.HAS_DEVICE_ATTR, STRUCTURE);
      ask(fd, Request.GET_DEVICE_ATTR, STRUCTURE);
      ask(fd, Request.SET_DEVICE_ATTR, STRUCTURE);
    }
  }

  private long ask(int fd, Request request, long argument) throws IOException {
    return ioctl(fd, numbers.of(request), argument);
  }

  /** As the library does it: what the structure points to goes along. */
  private long ioctl(int fd, int request, long argument) throws IOException {
    ByteBuffer body = connection.begin(MessageType.IOCTL);
    body.putInt(fd).putInt(request).putLong(argument);
    boolean pointer = argument == STRUCTURE;
    int size = pointer ? 24 : 0;
    body.putInt(size).put(memory.array(), 0, size);
    if (pointer) {
      body.putLong(STRUCTURE + VALUE).put(memory.array(), VALUE, Long.BYTES);
    }
    return answer();
  }

  /** Sends what was begun, and serves the server until it is answered. */
  private long answer() throws IOException {
    while (true) {
      connection.send();
      int type = connection.receive();
      ByteBuffer body = connection.body();
      switch (type) {
        case MessageType.DONE -> {
          long result = body.getLong();
          body.getInt();
          if (body.hasRemaining()) {
            copyOut(body);
          }
          return result;
        }
        case MessageType.READ -> {
          int at = (int) (body.getLong() - STRUCTURE);
          boolean there = at >= 0 && at < MEMORY;
          int length = there ? Math.min(body.getInt(), MEMORY - at) : 0;
          connection.begin(MessageType.BYTES).put(memory.array(), there ? at : 0, length);
        }
        case MessageType.WRITE -> result(copyOut(body));
        case MessageType.RESERVE -> result(next++);
        default -> result(0);
      }
    }
  }

  private int copyOut(ByteBuffer body) {
    int at = (int) (body.getLong() - STRUCTURE);
    int length = body.remaining();
    if (at < 0 || at > MEMORY - length) {
      return 0;
    }
    body.get(memory.array(), at, length);
    return length;
  }

  private void result(long value) {
    connection.begin(MessageType.RESULT).putLong(value).putInt(0);
  }
}
