package org.kvmdev.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kvmdev.api.Errno;
import org.kvmdev.bridge.BridgeOptions.Run;
import org.kvmdev.runtime.Kvm;

/** The server against clients that keep the protocol, and against those that do not. */
class ProtocolTest {
  private static final int KVM_GET_API_VERSION = 0xae00;
  private static final int KVM_CREATE_VM = 0xae01;
  private static final int KVM_CREATE_DEVICE = 0xc00caee0;
  private static final int KVM_HAS_DEVICE_ATTR = 0x4018aee3;
  private static final int KVM_SET_DEVICE_ATTR = 0x4018aee1;
  private static final int KVM_CREATE_VCPU = 0xae41;
  private static final int KVM_ARM_VCPU_INIT = 0x4020aeae;
  private static final int KVM_GET_ONE_REG = 0x4010aeab;
  private static final int KVM_SET_ONE_REG = 0x4010aeac;
  private static final int GICV3 = 7;
  private static final int GROUP_NR_IRQS = 3;

  /** The first general register of an arm64. */
  private static final long X0 = 0x6030_0000_0010_0000L;

  @TempDir private Path folder;
  private Path socket;
  private Kvm kvm;
  private BridgeServer server;

  @BeforeEach
  void serve() throws IOException {
    socket = folder.resolve("kvm.sock");
    kvm = Kvm.load();
    server = BridgeServer.open(socket, kvm, new BridgeOptions("arm64-gicv3-6.1", Run.WAIT, null));
  }

  @AfterEach
  void end() {
    server.close();
    kvm.close();
  }

  private SocketChannel connect() throws IOException {
    return SocketChannel.open(UnixDomainSocketAddress.of(socket));
  }

  private static ByteBuffer numbers(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte[] hello(int version, int role, long token) {
    return hello(version, role, token, 64, 1);
  }

  private static byte[] hello(int version, int role, long token, int words, int order) {
    return numbers(60)
        .putInt(MessageType.HELLO)
        .putInt(52)
        .putInt(0x444d564b)
        .putInt(version)
        .putInt(role)
        .putInt(words)
        .putInt(order)
        .putInt(0x4018aee1)
        .putInt(1234)
        .putLong(token)
        .put("arm64".getBytes(StandardCharsets.US_ASCII))
        .array();
  }

  private static byte[] ioctl(int fd, int request, long argument) {
    return numbers(28)
        .putInt(MessageType.IOCTL)
        .putInt(20)
        .putInt(fd)
        .putInt(request)
        .putLong(argument)
        .putInt(0)
        .array();
  }

  /** A client's end of a connection, with the server's reader of messages. */
  private final class Client implements AutoCloseable {
    final SocketChannel channel;
    final Connection connection;

    Client(int role, long token) throws IOException {
      channel = connect();
      connection = new Connection(channel);
      say(hello(2, role, token));
    }

    void say(byte[] message) throws IOException {
      ByteBuffer bytes = ByteBuffer.wrap(message);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    }

    long token() throws IOException {
      assertEquals(MessageType.WELCOME, connection.receive());
      assertEquals(2, connection.body().getInt());
      connection.body().getInt();
      return connection.body().getLong();
    }

    void result(long value) throws IOException {
      connection.begin(MessageType.RESULT).putLong(value).putInt(0);
      connection.send();
    }

    /** Waits for what the server asks for. */
    ByteBuffer asked(int type) throws IOException {
      assertEquals(type, connection.receive());
      return connection.body();
    }

    void done(long result, int error) throws IOException {
      ByteBuffer body = asked(MessageType.DONE);
      assertEquals(result, body.getLong());
      assertEquals(error, body.getInt());
    }

    void adopt(int fd) throws IOException {
      say(numbers(12).putInt(MessageType.ADOPT).putInt(4).putInt(fd).array());
      done(0, 0);
    }

    /** Makes a request that makes a file, which gets a number. */
    void makes(byte[] request, int number, String name) throws IOException {
      say(request);
      asked(MessageType.RESERVE);
      result(number);
      ByteBuffer install = asked(MessageType.INSTALL);
      assertEquals(number, install.getInt());
      install.position(install.position() + 12);
      assertEquals(name, StandardCharsets.UTF_8.decode(install).toString());
      result(0);
    }

    @Override
    public void close() {
      connection.close();
    }
  }

  private void nobodyIsLeft() {
    long patience = System.nanoTime() + Programs.PATIENCE_SECONDS * 1_000_000_000L;
    while (server.processes() > 0 || server.connections() > 0) {
      assertTrue(System.nanoTime() < patience, "connections that ended are still known");
      LockSupport.parkNanos(1_000_000);
    }
  }

  private void stillServes() throws IOException {
    try (Client process = new Client(0, 0);
        Client thread = new Client(1, process.token())) {
      thread.token();
      thread.adopt(3);
      thread.say(ioctl(3, KVM_GET_API_VERSION, 0));
      thread.done(12, 0);
    }
  }

  @Test
  void aRequestIsServedAsAKernelServesIt() throws IOException {
    try (Client process = new Client(0, 0);
        Client thread = new Client(1, process.token())) {
      thread.token();
      thread.adopt(3);
      thread.makes(ioctl(3, KVM_CREATE_VM, 0), 4, "anon_inode:kvm-vm");
      thread.done(4, 0);
      thread.makes(createDevice(4), 5, "anon_inode:kvm-arm-vgic-v3");
      ByteBuffer write = thread.asked(MessageType.WRITE);
      assertEquals(0x1000, write.getLong());
      assertEquals(GICV3, write.getInt());
      assertEquals(5, write.getInt());
      thread.result(12);
      thread.done(0, 0);

      // The structure is asked for where it did not come along; what is short of it is a fault.
      thread.say(ioctl(5, KVM_HAS_DEVICE_ATTR, 0x2000));
      ByteBuffer read = thread.asked(MessageType.READ);
      assertEquals(0x2000, read.getLong());
      assertEquals(24, read.getInt());
      thread.connection.begin(MessageType.BYTES).put(new byte[10]);
      thread.connection.send();
      // Asked once more, since the first time did not count: the refusal has its place.
      thread.asked(MessageType.READ);
      thread.connection.begin(MessageType.BYTES).put(new byte[10]);
      thread.connection.send();
      thread.done(-1, Errno.EFAULT.number());

      thread.say(ioctl(99, KVM_HAS_DEVICE_ATTR, 0));
      thread.done(-1, Errno.EBADF.number());
    }
    nobodyIsLeft();
  }

  /** KVM_CREATE_DEVICE, with its structure along. */
  private static byte[] createDevice(int vm) {
    return numbers(40)
        .putInt(MessageType.IOCTL)
        .putInt(32)
        .putInt(vm)
        .putInt(KVM_CREATE_DEVICE)
        .putLong(0x1000)
        .putInt(12)
        .putInt(GICV3)
        .putInt(0)
        .putInt(0)
        .array();
  }

  /** A request with its structure, and with the value at an address. */
  private static byte[] ioctl(int fd, int request, byte[] structure, long address, byte[] value) {
    int length = 20 + structure.length + 8 + value.length;
    return numbers(8 + length)
        .putInt(MessageType.IOCTL)
        .putInt(length)
        .putInt(fd)
        .putInt(request)
        .putLong(0x1000)
        .putInt(structure.length)
        .put(structure)
        .putLong(address)
        .put(value)
        .array();
  }

  @Test
  void whatComesAlongIsNotAskedFor() throws IOException {
    try (Client process = new Client(0, 0);
        Client thread = new Client(1, process.token())) {
      assertEquals(MessageType.WELCOME, thread.connection.receive());
      ByteBuffer welcome = thread.connection.body();
      welcome.position(welcome.position() + 16);
      assertEquals(KVM_SET_ONE_REG, welcome.getInt());
      assertEquals(8, welcome.getInt());
      assertEquals(16, welcome.getInt());
      assertEquals(KVM_SET_DEVICE_ATTR, welcome.getInt());
      assertEquals(16, welcome.getInt());
      assertEquals(8, welcome.getInt());
      thread.adopt(3);
      thread.makes(ioctl(3, KVM_CREATE_VM, 0), 4, "anon_inode:kvm-vm");
      thread.done(4, 0);
      thread.makes(createDevice(4), 5, "anon_inode:kvm-arm-vgic-v3");
      thread.asked(MessageType.WRITE);
      thread.result(12);
      thread.done(0, 0);
      byte[] attribute =
          numbers(24).putInt(0).putInt(GROUP_NR_IRQS).putLong(0).putLong(0x3000).array();
      byte[] interrupts = numbers(4).putInt(64).array();
      // At another address than the structure's, it is of no use.
      thread.say(ioctl(5, KVM_SET_DEVICE_ATTR, attribute, 0x4000, interrupts));
      ByteBuffer read = thread.asked(MessageType.READ);
      assertEquals(0x3000, read.getLong());
      thread.connection.begin(MessageType.BYTES);
      thread.connection.send();
      thread.done(-1, Errno.EFAULT.number());
      // Less of it than is needed is asked for as well.
      thread.say(ioctl(5, KVM_SET_DEVICE_ATTR, attribute, 0x3000, new byte[3]));
      thread.asked(MessageType.READ);
      thread.connection.begin(MessageType.BYTES).put(new byte[3]);
      thread.connection.send();
      thread.done(-1, Errno.EFAULT.number());
      thread.say(ioctl(5, KVM_SET_DEVICE_ATTR, attribute, 0x3000, interrupts));
      thread.done(0, 0);
      thread.say(ioctl(5, KVM_SET_DEVICE_ATTR, attribute, 0x3000, interrupts));
      thread.done(-1, Errno.EBUSY.number());
    }
    nobodyIsLeft();
  }

  @Test
  void aRegistersValueComesWithItsAnswer() throws IOException {
    try (Client process = new Client(0, 0);
        Client thread = new Client(1, process.token())) {
      thread.token();
      thread.adopt(3);
      thread.makes(ioctl(3, KVM_CREATE_VM, 0), 4, "anon_inode:kvm-vm");
      thread.done(4, 0);
      thread.makes(ioctl(4, KVM_CREATE_VCPU, 0), 5, "anon_inode:kvm-vcpu:0");
      thread.done(5, 0);
      byte[] init = numbers(32).putInt(5).array();
      thread.say(ioctl(5, KVM_ARM_VCPU_INIT, init, 0, new byte[0]));
      thread.done(0, 0);
      byte[] register = numbers(16).putLong(X0).putLong(0x3000).array();
      byte[] value = numbers(8).putLong(0x1234_5678_9abcL).array();
      thread.say(ioctl(5, KVM_SET_ONE_REG, register, 0x3000, value));
      thread.done(0, 0);
      thread.say(ioctl(5, KVM_GET_ONE_REG, register, 0, new byte[0]));
      ByteBuffer done = thread.asked(MessageType.DONE);
      assertEquals(0, done.getLong());
      assertEquals(0, done.getInt());
      assertEquals(0x3000, done.getLong());
      assertEquals(ByteBuffer.wrap(value), done);
      // One that there is not has no value, and the next answer none of this one.
      byte[] none = numbers(16).putLong(X0 + 0xffff).putLong(0x3000).array();
      thread.say(ioctl(5, KVM_GET_ONE_REG, none, 0, new byte[0]));
      thread.done(-1, Errno.ENOENT.number());
      assertEquals(0, thread.connection.body().remaining());
    }
    nobodyIsLeft();
  }

  @Test
  void aStructureThatIsLongerThanItsMessageEndsTheConnection() throws IOException {
    for (int count : new int[] {-1, 1, 25, Integer.MAX_VALUE}) {
      byte[] request = ioctl(3, KVM_GET_API_VERSION, new byte[0], 0, new byte[0]);
      ByteBuffer.wrap(request).order(ByteOrder.LITTLE_ENDIAN).putInt(24, count);
      endsTheConnection(request);
    }
    endsTheConnection(
        numbers(32)
            .putInt(MessageType.IOCTL)
            .putInt(24)
            .putInt(3)
            .putInt(KVM_GET_API_VERSION)
            .putLong(0)
            .putInt(0)
            .putInt(1)
            .array());
    nobodyIsLeft();
    stillServes();
  }

  private void endsTheConnection(byte[] request) throws IOException {
    try (Client process = new Client(0, 0);
        Client thread = new Client(1, process.token())) {
      thread.token();
      thread.adopt(3);
      thread.say(request);
      assertThrows(EOFException.class, thread.connection::receive);
    }
  }

  @Test
  void aProcessIsKnownByItsTokenAlone() throws IOException {
    try (Client process = new Client(0, 0);
        Client stranger = new Client(1, 4711);
        Client orphan = new Client(0, 4711)) {
      process.token();
      assertEquals(MessageType.REFUSED, stranger.connection.receive());
      assertEquals(MessageType.REFUSED, orphan.connection.receive());
    }
    nobodyIsLeft();
  }

  @Test
  void anotherVersionIsRefusedInWords() throws IOException {
    try (SocketChannel channel = connect()) {
      channel.write(ByteBuffer.wrap(hello(3, 0, 0)));
      Connection connection = new Connection(channel);
      assertEquals(MessageType.REFUSED, connection.receive());
      String text = StandardCharsets.UTF_8.decode(connection.body()).toString();
      assertTrue(text.contains("version 3"), text);
    }
    nobodyIsLeft();
  }

  @Test
  void wordsAndByteOrdersThatThereAreNotAreRefused() throws IOException {
    for (int[] wrong : new int[][] {{0, 1}, {65, 1}, {-1, 1}, {64, 0}, {64, 3}}) {
      try (SocketChannel channel = connect()) {
        channel.write(ByteBuffer.wrap(hello(2, 0, 0, wrong[0], wrong[1])));
        Connection connection = new Connection(channel);
        assertEquals(MessageType.REFUSED, connection.receive());
        String text = StandardCharsets.UTF_8.decode(connection.body()).toString();
        assertTrue(text.contains("there are 32 and 64, 1 and 2"), text);
      }
    }
    nobodyIsLeft();
    stillServes();
  }

  /** A big-endian program on a little-endian host. */
  @Test
  void structuresHaveTheProgramsOrder() throws IOException {
    try (SocketChannel channel = connect()) {
      channel.write(ByteBuffer.wrap(hello(2, 0, 0, 64, 2)));
      Connection process = new Connection(channel);
      assertEquals(MessageType.WELCOME, process.receive());
      process.body().getLong();
      try (Client thread = new Client(1, process.body().getLong())) {
        thread.token();
        thread.adopt(3);
        thread.makes(ioctl(3, KVM_CREATE_VM, 0), 4, "anon_inode:kvm-vm");
        thread.done(4, 0);
        byte[] create = createDevice(4);
        ByteBuffer.wrap(create).putInt(28, GICV3);
        thread.makes(create, 5, "anon_inode:kvm-arm-vgic-v3");
        ByteBuffer write = thread.asked(MessageType.WRITE).slice().order(ByteOrder.BIG_ENDIAN);
        write.getLong();
        assertEquals(GICV3, write.getInt());
        assertEquals(5, write.getInt());
        thread.result(12);
        thread.done(0, 0);
      }
    }
    nobodyIsLeft();
  }

  @Test
  void aNumberThatNoFileCanHaveIsRefused() throws IOException {
    try (Client process = new Client(0, 0);
        Client thread = new Client(1, process.token())) {
      thread.token();
      thread.say(numbers(12).putInt(MessageType.ADOPT).putInt(4).putInt(Integer.MAX_VALUE).array());
      thread.done(-1, Errno.EMFILE.number());
      thread.adopt(3);
      thread.say(ioctl(3, KVM_CREATE_VM, 0));
      thread.asked(MessageType.RESERVE);
      thread.result(Integer.MAX_VALUE);
      thread.asked(MessageType.CANCEL);
      thread.result(0);
      thread.done(-1, Errno.EMFILE.number());
    }
    nobodyIsLeft();
  }

  @Test
  void aConnectionCutAtAnyByteLeavesNothing() throws IOException {
    byte[] hello = hello(2, 0, 0);
    for (int cut = 0; cut <= hello.length; cut++) {
      try (SocketChannel channel = connect()) {
        channel.write(ByteBuffer.wrap(hello, 0, cut));
      }
    }
    byte[] request = ioctl(3, KVM_CREATE_VM, 0);
    for (int cut = 0; cut <= request.length; cut++) {
      try (Client process = new Client(0, 0);
          Client thread = new Client(1, process.token())) {
        thread.token();
        thread.adopt(3);
        thread.channel.write(ByteBuffer.wrap(request, 0, cut));
        if (cut == request.length) {
          // In the middle of what the server asks for.
          thread.asked(MessageType.RESERVE);
        }
      }
    }
    nobodyIsLeft();
    stillServes();
  }

  @Test
  void garbageEndsItsOwnConnection() throws IOException {
    Random random = new Random(20250101);
    for (int round = 0; round < 300; round++) {
      byte[] garbage = new byte[random.nextInt(200)];
      random.nextBytes(garbage);
      try (SocketChannel channel = connect()) {
        channel.write(ByteBuffer.wrap(garbage));
      } catch (IOException closed) {
        // The server was faster.
      }
    }
    nobodyIsLeft();
    stillServes();
  }

  /** Messages that are right but for a few numbers, where any can come; repeatable by the seed. */
  @Test
  void nearlyRightMessagesHarmNobody() throws IOException {
    long seed = Long.getLong("kvmdev.seed", 20250102);
    Random random = new Random(seed);
    int[] types = {
      MessageType.ADOPT,
      MessageType.IOCTL,
      MessageType.CLOSE,
      MessageType.DUP,
      MessageType.MMAP,
      MessageType.BYTES,
      MessageType.RESULT,
      MessageType.HELLO,
      MessageType.DONE,
      77
    };
    for (int round = 0; round < 300; round++) {
      try (Client process = new Client(0, 0);
          Client thread = new Client(1, process.token())) {
        thread.token();
        thread.adopt(3);
        for (int i = random.nextInt(12); i >= 0; i--) {
          ByteBuffer message = numbers(8 + 40);
          int length = random.nextInt(5) == 0 ? random.nextInt() : random.nextInt(41);
          message.putInt(types[random.nextInt(types.length)]).putInt(length);
          message.putInt(random.nextInt(6));
          message.putInt(random.nextBoolean() ? KVM_CREATE_VM : KVM_CREATE_DEVICE);
          while (message.hasRemaining()) {
            message.put((byte) (random.nextInt(3) == 0 ? random.nextInt(256) : 0));
          }
          message.flip();
          message.limit(Math.clamp(8L + length, 8, 48));
          thread.channel.write(message);
        }
        thread.channel.shutdownOutput();
        drain(thread);
      } catch (IOException closed) {
        // The server gave the connection up.
      }
    }
    nobodyIsLeft();
    stillServes();
  }

  private static void drain(Client client) throws IOException {
    ByteBuffer any = ByteBuffer.allocate(4096);
    while (client.channel.read(any.clear()) >= 0) {
      // What the server says does not matter.
    }
  }

  @Test
  void aMessageOnAProcessesOwnConnectionEndsTheProcess() throws IOException {
    try (Client process = new Client(0, 0);
        Client thread = new Client(1, process.token())) {
      thread.token();
      thread.adopt(3);
      process.say(ioctl(3, KVM_GET_API_VERSION, 0));
      assertThrows(EOFException.class, thread.connection::receive);
    }
    nobodyIsLeft();
  }
}
