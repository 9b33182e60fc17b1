package org.kvmdev.bridge;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.FileKind;
import org.kvmdev.runtime.ioctl.KvmProcess;
import org.kvmdev.runtime.ioctl.RemoteClient;

/**
 * A client process. Each of its threads has a connection and a thread here that serves it; what the
 * runtime asks of the client while it answers a request goes over the connection of the thread that
 * made the request.
 */
final class RemoteProcess implements RemoteClient {
  private static final System.Logger LOG = System.getLogger("org.kvmdev.bridge");
  private static final ThreadLocal<@Nullable RemoteThread> CURRENT = new ThreadLocal<>();
  private static final KvmException GONE =
      KvmException.constant(Errno.EFAULT, "the client is gone, and its memory with it");
  private static final int LONGEST_NAME = 63;

  final long token;
  final int pid;
  final KvmProcess kvm;
  private final BridgeOptions options;
  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
  private volatile boolean ended;

  /** A program that has just opened its /dev/kvm. */
  RemoteProcess(long token, int pid, Kvm kvm, Host host, BridgeOptions options) {
    this.token = token;
    this.pid = pid;
    this.options = options;
    this.kvm = new KvmProcess(kvm, host, this);
  }

  /** A fork, which has its parent's files. */
  RemoteProcess(long token, int pid, RemoteProcess parent) {
    this.token = token;
    this.pid = pid;
    this.options = parent.options;
    this.kvm = parent.kvm.fork(this);
  }

  /** A thread of the client, while it is served. */
  private final class RemoteThread {
    final Connection connection;

    /** What came along with the request, as what it will read first. */
    final byte[] ahead = new byte[Connection.CHUNK];

    long aheadAddress;
    int aheadLength;

    RemoteThread(Connection connection) {
      this.connection = connection;
    }
  }

  /** Serves a thread of the client until it ends; on a thread of its own. */
  void serve(Connection connection) throws IOException {
    RemoteThread thread = new RemoteThread(connection);
    connections.add(connection);
    CURRENT.set(thread);
    try {
      if (ended) {
        return;
      }
      while (true) {
        int type = connection.receive();
        long result;
        int error = 0;
        try {
          result = answer(thread, type, connection.body());
        } catch (KvmException refusal) {
          result = -1;
          error = refusal.errno().number();
        } catch (RuntimeException | Error fault) {
          LOG.log(Level.ERROR, "a request of process " + pid + " failed here", fault);
          result = -1;
          error = Errno.EIO.number();
        }
        connection.begin(MessageType.DONE).putLong(result).putInt(error);
        connection.send();
      }
    } finally {
      CURRENT.remove();
      connections.remove(connection);
    }
  }

  private long answer(RemoteThread thread, int type, ByteBuffer body)
      throws KvmException, ProtocolException {
    Connection connection = thread.connection;
    switch (type) {
      case MessageType.IOCTL -> {
        connection.requireBody(16, 16 + Connection.CHUNK);
        int fd = body.getInt();
        int request = body.getInt();
        long argument = body.getLong();
        thread.aheadAddress = argument;
        thread.aheadLength = body.remaining();
        body.get(thread.ahead, 0, thread.aheadLength);
        return kvm.ioctl(fd, request, argument);
      }
      case MessageType.ADOPT -> {
        connection.requireBody(4, 4);
        kvm.adopt(body.getInt());
      }
      case MessageType.CLOSE -> {
        connection.requireBody(4, 4);
        kvm.close(body.getInt());
      }
      case MessageType.DUP -> {
        connection.requireBody(8, 8);
        kvm.alias(body.getInt(), body.getInt());
      }
      case MessageType.MMAP -> {
        connection.requireBody(20, 20);
        kvm.mmap(body.getInt(), body.getLong(), body.getLong());
        throw new KvmException(
            Errno.ENODEV, "process %d: what a device maps cannot reach another process", pid);
      }
      default -> throw new ProtocolException("a message of type " + type + ", which asks nothing");
    }
    return 0;
  }

  private RemoteThread thread() throws KvmException {
    RemoteThread thread = CURRENT.get();
    if (thread == null || ended) {
      throw GONE;
    }
    return thread;
  }

  @Override
  public void read(long address, byte[] to, int at, int length) throws KvmException {
    RemoteThread thread = thread();
    long ahead = address - thread.aheadAddress;
    if (ahead >= 0 && ahead <= thread.aheadLength - length) {
      System.arraycopy(thread.ahead, (int) ahead, to, at, length);
      return;
    }
    int done = 0;
    while (done < length) {
      int part = Math.min(length - done, Connection.CHUNK);
      int got;
      try {
        thread.connection.begin(MessageType.READ).putLong(address + done).putInt(part);
        thread.connection.send();
        thread.connection.expect(MessageType.BYTES, 0);
        thread.connection.requireBody(0, part);
        ByteBuffer bytes = thread.connection.body();
        got = bytes.remaining();
        bytes.get(to, at + done, got);
      } catch (IOException e) {
        throw lost(thread);
      }
      done += got;
      if (got < part) {
        throw new KvmException(
            Errno.EFAULT, "the client cannot read its memory at %#x", address + done);
      }
    }
  }

  @Override
  public void write(long address, byte[] from, int at, int length) throws KvmException {
    RemoteThread thread = thread();
    thread.aheadLength = 0;
    int done = 0;
    while (done < length) {
      int part = Math.min(length - done, Connection.CHUNK);
      thread.connection.begin(MessageType.WRITE).putLong(address + done).put(from, at + done, part);
      long got = result(thread).value;
      if (got < 0 || got > part) {
        throw lost(thread);
      }
      done += (int) got;
      if (got < part) {
        throw new KvmException(
            Errno.EFAULT, "the client cannot write its memory at %#x", address + done);
      }
    }
  }

  private record Result(long value, int error) {}

  /** Sends what was begun, and waits for its RESULT. */
  private Result result(RemoteThread thread) throws KvmException {
    Connection connection = thread.connection;
    try {
      connection.send();
      connection.expect(MessageType.RESULT, 12);
      connection.requireBody(12, 12);
      return new Result(connection.body().getLong(), connection.body().getInt());
    } catch (IOException e) {
      throw lost(thread);
    }
  }

  /** The rest of the request finds no client; its thread's loop ends with it. */
  private KvmException lost(RemoteThread thread) {
    thread.connection.close();
    return GONE;
  }

  @Override
  public int reserve() throws KvmException {
    RemoteThread thread = thread();
    thread.connection.begin(MessageType.RESERVE);
    Result result = result(thread);
    if (result.value < 0) {
      throw new KvmException(
          result.error == Errno.EMFILE.number() ? Errno.EMFILE : Errno.ENOMEM,
          "process %d has no file descriptor left (errno %d)",
          pid,
          result.error);
    }
    return (int) result.value;
  }

  @Override
  public void install(int number, FileKind kind, String name, long size) {
    byte[] text = name.getBytes(StandardCharsets.UTF_8);
    tell(
        MessageType.INSTALL,
        body ->
            body.putInt(number)
                .putInt(wireKind(kind))
                .putLong(size)
                .put(text, 0, Math.min(text.length, LONGEST_NAME)));
  }

  /** A kind of file, as {@code protocol.h} numbers it. */
  static int wireKind(FileKind kind) {
    return switch (kind) {
      case SYSTEM -> 1;
      case VM -> 2;
      case VCPU -> 3;
      case DEVICE -> 4;
      case OTHER -> 0;
    };
  }

  @Override
  public void cancel(int number) {
    tell(MessageType.CANCEL, body -> body.putInt(number));
  }

  @Override
  public boolean isOpen(int number) {
    Result result = tell(MessageType.IS_OPEN, body -> body.putInt(number));
    return result != null && result.value == 0;
  }

  @Override
  public Wakeup sleep(int immediateExit, byte[] signals) {
    if (options.run() == BridgeOptions.Run.EXIT) {
      return Wakeup.OFF;
    }
    Result result = tell(MessageType.SLEEP, body -> body.putInt(immediateExit).put(signals));
    return result != null && result.value == 1 ? Wakeup.IMMEDIATE_EXIT : Wakeup.SIGNAL;
  }

  @Override
  public void writeRun(int offset, byte[] bytes) {
    tell(MessageType.WRITE_RUN, body -> body.putInt(offset).put(bytes));
  }

  @FunctionalInterface
  private interface Body {
    void putInto(ByteBuffer body);
  }

  /** Says something that a client which is there does; null where it is not. */
  private @Nullable Result tell(int type, Body body) {
    try {
      RemoteThread thread = thread();
      body.putInto(thread.connection.begin(type));
      return result(thread);
    } catch (KvmException gone) {
      return null;
    }
  }

  /** The process has ended: its files are closed, and what its threads ask for comes to nothing. */
  void end() {
    ended = true;
    connections.forEach(Connection::close);
    kvm.close();
  }
}
