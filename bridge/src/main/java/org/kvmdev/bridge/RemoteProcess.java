package org.kvmdev.bridge;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.bridge.ClientThread.Result;
import org.kvmdev.runtime.Event;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.FileKind;
import org.kvmdev.runtime.ioctl.KvmProcess;
import org.kvmdev.runtime.ioctl.RemoteClient;
import org.kvmdev.runtime.ioctl.Request;
import org.kvmdev.runtime.ioctl.RequestNumbers;

/**
 * A client process that kvmdev answers. Each of its threads has a connection and a thread here that
 * serves it; what the runtime asks of the client while it answers a request goes over the
 * connection of the thread that made the request.
 */
final class RemoteProcess implements ServedProcess, RemoteClient {
  private static final System.Logger LOG = System.getLogger("org.kvmdev.bridge");
  private static final ThreadLocal<@Nullable ClientThread> CURRENT = new ThreadLocal<>();
  private static final KvmException ENDED =
      KvmException.constant(Errno.EFAULT, "the client has ended, and its memory with it");
  private static final int LONGEST_NAME = 63;

  /** Which unknown requests were told: a client that tries all numbers is told some of them. */
  private static final Set<String> UNKNOWN = ConcurrentHashMap.newKeySet();

  private static final int MOST_UNKNOWN = 256;

  private final int pid;
  private final KvmProcess process;
  private final List<DeviceType> types;
  private final BridgeOptions options;

  /** Whether requests that nobody has are told. */
  private final boolean tellsUnknown;

  private final CallLog words;

  /** Null where its calls are not written down. */
  private final @Nullable Transcript transcript;

  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
  private final RemoteEvents events = new RemoteEvents();

  /** KVM_GET_ONE_REG: to copy the value out is the last that it does. */
  private final int getsRegister;

  private volatile boolean ended;

  /** A program that has just opened its /dev/kvm. */
  RemoteProcess(
      int pid,
      Kvm kvm,
      Host host,
      BridgeOptions options,
      boolean tellsUnknown,
      @Nullable Transcript transcript) {
    this.pid = pid;
    this.options = options;
    this.tellsUnknown = tellsUnknown;
    this.transcript = transcript;
    this.types = kvm.types(host);
    this.process = new KvmProcess(kvm, host, this);
    this.getsRegister = process.requests().of(Request.GET_ONE_REG);
    this.words = new CallLog(process, types);
    process.events(this::event);
    process.unknownRequests(this::unknown);
  }

  private RemoteProcess(int pid, RemoteProcess parent) {
    this.pid = pid;
    this.options = parent.options;
    this.tellsUnknown = parent.tellsUnknown;
    this.transcript = null;
    this.types = parent.types;
    this.process = parent.process.fork(this);
    this.getsRegister = parent.getsRegister;
    this.words = new CallLog(process, types);
    process.events(this::event);
    process.unknownRequests(this::unknown);
  }

  @Override
  public int welcomeFlags() {
    return 0;
  }

  /** The values that requests read which a client makes by the thousand. */
  @Override
  public List<Along> along() {
    RequestNumbers numbers = process.requests();
    return List.of(
        new Along(numbers.of(Request.SET_ONE_REG), 8, 16),
        new Along(numbers.of(Request.SET_DEVICE_ATTR), 16, 8));
  }

  @Override
  public ServedProcess fork(int child) {
    return new RemoteProcess(child, this);
  }

  @Override
  public void attend(Connection connection) throws IOException {
    events.connect(connection);
    serve(connection, true);
  }

  @Override
  public void serve(Connection connection) throws IOException {
    serve(connection, false);
  }

  /** The process's own connection has events alone, those of its threads all else. */
  private void serve(Connection connection, boolean own) throws IOException {
    ClientThread thread = new ClientThread(connection);
    connections.add(connection);
    CURRENT.set(thread);
    try {
      while (!ended) {
        int type = connection.receive();
        if (own != (type == MessageType.SIGNALLED)) {
          throw new ProtocolException("a message of type " + type + " on the wrong connection");
        }
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
        thread.done(result, error);
      }
    } finally {
      CURRENT.remove();
      connections.remove(connection);
    }
  }

  private long answer(ClientThread thread, int type, ByteBuffer body)
      throws KvmException, ProtocolException {
    Connection connection = thread.connection;
    switch (type) {
      case MessageType.IOCTL -> {
        connection.requireBody(20, Connection.MOST);
        return ioctl(thread, body.getInt(), body.getInt(), body.getLong(), body);
      }
      case MessageType.ADOPT -> {
        connection.requireBody(4, 4);
        int fd = body.getInt();
        process.adopt(fd);
        if (transcript != null) {
          transcript.opened(fd);
        }
      }
      case MessageType.CLOSE -> {
        connection.requireBody(4, 4);
        int fd = body.getInt();
        process.close(fd);
        if (transcript != null) {
          transcript.closed(fd);
        }
      }
      case MessageType.DUP -> {
        connection.requireBody(8, 8);
        int fd = body.getInt();
        int copy = body.getInt();
        process.alias(fd, copy);
        if (transcript != null) {
          transcript.copied(fd, copy);
        }
      }
      case MessageType.MMAP -> {
        connection.requireBody(20, 20);
        process.mmap(body.getInt(), body.getLong(), body.getLong());
        throw new KvmException(
            Errno.ENODEV, "process %d: what a device maps cannot reach another process", pid);
      }
      case MessageType.SIGNALLED -> {
        connection.requireBody(8, 8);
        long id = body.getLong();
        thread.forgetAlong();
        events.signalled(id);
      }
      default -> throw new ProtocolException("a message of type " + type + ", which asks nothing");
    }
    return 0;
  }

  private long ioctl(ClientThread thread, int fd, int request, long argument, ByteBuffer along)
      throws KvmException, ProtocolException {
    boolean watched = options.log() != null || options.summary() != null || transcript != null;
    thread.begin(argument, along, request == getsRegister, watched);
    if (!watched) {
      return process.ioctl(fd, request, argument);
    }
    Transcript.Call call =
        transcript == null ? null : transcript.begin(thread, fd, request, argument);
    CallLog.Entry entry = words.begin(fd, request, argument);
    try {
      long result = process.ioctl(fd, request, argument);
      tell(entry, result, null, thread);
      if (call != null) {
        call.end(new Result(result, 0), thread::copiedOut);
      }
      return result;
    } catch (KvmException refusal) {
      tell(entry, -1, refusal, thread);
      if (call != null) {
        call.end(new Result(-1, refusal.errno().number()), thread::copiedOut);
      }
      throw refusal;
    }
  }

  private void tell(
      CallLog.Entry entry, long result, @Nullable KvmException refusal, ClientThread thread) {
    Consumer<String> log = options.log();
    if (log != null) {
      log.accept(pid + ": " + entry.end(result, refusal, thread.transfers()));
    }
    CallSummary summary = options.summary();
    if (summary != null) {
      summary.count(entry.kind(thread.transfers()), refusal);
    }
  }

  /** A request that neither the host nor a device has: the first time, it is told. */
  private void unknown(FileKind kind, int request) {
    String name = RequestNames.of(process.requests(), kind, request) + " on " + kind;
    if (tellsUnknown
        && UNKNOWN.size() < MOST_UNKNOWN
        && UNKNOWN.add(process.host().name() + " " + name)) {
      LOG.log(Level.WARNING, "{0}: host {1} has no such request", name, process.host().name());
    }
    CallSummary summary = options.summary();
    if (summary != null) {
      summary.countUnknown(name);
    }
  }

  /** The thread of the client that makes the request which this thread answers. */
  private ClientThread thread() throws KvmException {
    ClientThread thread = CURRENT.get();
    if (thread == null || ended) {
      throw ENDED;
    }
    return thread;
  }

  @Override
  public void read(long address, byte[] to, int at, int length) throws KvmException {
    thread().read(address, to, at, length);
  }

  @Override
  public void write(long address, byte[] from, int at, int length) throws KvmException {
    thread().write(address, from, at, length);
  }

  /** The eventfd behind a client's file descriptor. */
  private Event event(int descriptor) throws KvmException {
    Result result = thread().tell(MessageType.EVENT, body -> body.putInt(descriptor));
    if (result.value() >= 0) {
      return events.of(result.value());
    }
    throw new KvmException(
        result.error() == Errno.EBADF.number() ? Errno.EBADF : Errno.EINVAL,
        "descriptor %d is no eventfd that is open (errno %d)",
        descriptor,
        result.error());
  }

  @Override
  public int reserve() throws KvmException {
    Result result = thread().tell(MessageType.RESERVE, body -> {});
    if (result.value() < 0) {
      throw new KvmException(
          result.error() == Errno.EMFILE.number() ? Errno.EMFILE : Errno.ENOMEM,
          "process %d has no file descriptor left (errno %d)",
          pid,
          result.error());
    }
    return (int) result.value();
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
      case OTHER -> 5;
    };
  }

  @Override
  public void cancel(int number) {
    tell(MessageType.CANCEL, body -> body.putInt(number));
  }

  @Override
  public boolean isOpen(int number) {
    Result result = tell(MessageType.IS_OPEN, body -> body.putInt(number));
    return result != null && result.value() == 0;
  }

  @Override
  public void fill(int number, byte[] content) {
    tell(MessageType.FILL, body -> body.putInt(number).put(content));
  }

  @Override
  public long pid() {
    return pid;
  }

  @Override
  public boolean immediateExit(int offset) {
    Result result = tell(MessageType.PEEK, body -> body.putInt(offset));
    return result != null && result.value() != 0;
  }

  @Override
  public Wakeup sleep(int immediateExit, byte[] signals) {
    if (options.run() == BridgeOptions.Run.EXIT) {
      return immediateExit(immediateExit) ? Wakeup.IMMEDIATE_EXIT : Wakeup.OFF;
    }
    Result result = tell(MessageType.SLEEP, body -> body.putInt(immediateExit).put(signals));
    return result != null && result.value() == 1 ? Wakeup.IMMEDIATE_EXIT : Wakeup.SIGNAL;
  }

  @Override
  public void writeRun(int offset, byte[] bytes) {
    tell(MessageType.WRITE_RUN, body -> body.putInt(offset).put(bytes));
  }

  /** Says something that a client which is there does; null where it is not. */
  private @Nullable Result tell(int type, ClientThread.Body body) {
    try {
      return thread().tell(type, body);
    } catch (KvmException gone) {
      return null;
    }
  }

  /** Its files are closed, and what its threads ask for comes to nothing. */
  @Override
  public void end() {
    ended = true;
    connections.forEach(Connection::close);
    process.close();
  }
}
