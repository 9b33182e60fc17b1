package org.kvmdev.bridge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.KvmException;
import org.kvmdev.bridge.ClientThread.Result;

/** A client process that the machine's own KVM answers, while its calls are recorded. */
final class RecordedProcess implements ServedProcess {
  /** WELCOME's flag. */
  private static final int PASS_THROUGH = 1;

  private final int pid;

  /** Null where this process is not the one that is recorded. */
  private final @Nullable Transcript transcript;

  RecordedProcess(int pid, @Nullable Transcript transcript) {
    this.pid = pid;
    this.transcript = transcript;
  }

  @Override
  public int welcomeFlags() {
    return PASS_THROUGH;
  }

  @Override
  public List<Along> along() {
    return List.of();
  }

  @Override
  public void attend(Connection connection) throws IOException {
    connection.receive();
    throw new ProtocolException("a message on a process's own connection");
  }

  @Override
  public ServedProcess fork(int child) {
    return new RecordedProcess(child, null);
  }

  @Override
  public void end() {
    // The kernel closes what it had.
  }

  @Override
  public void serve(Connection connection) throws IOException {
    ClientThread thread = new ClientThread(connection);
    while (true) {
      int type = connection.receive();
      ByteBuffer body = connection.body();
      Result result = new Result(0, 0);
      switch (type) {
        case MessageType.IOCTL -> {
          connection.requireBody(20, Connection.MOST);
          try {
            result = ioctl(thread, body.getInt(), body.getInt(), body.getLong(), body);
          } catch (KvmException gone) {
            result = new Result(-1, gone.errno().number());
          }
        }
        case MessageType.ADOPT -> {
          connection.requireBody(4, 4);
          int fd = body.getInt();
          if (transcript != null) {
            transcript.opened(fd);
          }
        }
        case MessageType.CLOSE -> {
          connection.requireBody(4, 4);
          int fd = body.getInt();
          if (transcript != null) {
            transcript.closed(fd);
          }
        }
        case MessageType.DUP -> {
          connection.requireBody(8, 8);
          int fd = body.getInt();
          if (transcript != null) {
            transcript.copied(fd, body.getInt());
          }
        }
        default ->
            throw new ProtocolException("a message of type " + type + ", which asks nothing");
      }
      thread.done(result.value(), result.error());
    }
  }

  private Result ioctl(ClientThread thread, int fd, int request, long argument, ByteBuffer along)
      throws KvmException, ProtocolException {
    thread.begin(argument, along, false, false);
    Transcript.Call call =
        transcript == null ? null : transcript.begin(thread, fd, request, argument);
    Result result = thread.tell(MessageType.CALL, body -> {});
    if (call != null) {
      thread.forgetAlong();
      Transcript.Made made = call.end(result, (address, length) -> read(thread, address, length));
      if (made != null) {
        // The library watches it from now on.
        int wire = RemoteProcess.wireKind(made.kind());
        thread.tell(MessageType.TRACK, body -> body.putInt(made.fd()).putInt(wire));
      }
    }
    return result;
  }

  private static byte @Nullable [] read(ClientThread thread, long address, int length)
      throws KvmException {
    byte[] bytes = new byte[length];
    return thread.tryRead(address, bytes, 0, length) == length ? bytes : null;
  }

  @Override
  public String toString() {
    return "process " + pid;
  }
}
