package org.kvmdev.bridge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/**
 * A thread of a client, while its request is answered: what it is asked for over its connection. It
 * is used on the server's thread that serves it.
 */
final class ClientThread {
  private static final KvmException GONE =
      KvmException.constant(Errno.EFAULT, "the client is gone, and its memory with it");

  final Connection connection;

  /** What came along of the structure at the request's argument. */
  private final Along structure = new Along();

  /** What came along of the value that the structure points to. */
  private final Along value = new Along();

  /** Whether the next copy out is the request's last step, and can go along with DONE. */
  private boolean lastCopy;

  /** That copy, where there was one. */
  private long lastAddress;

  private byte[] last = new byte[64];
  private int lastLength;

  /** What was copied since the request began; null where nobody wants to know. */
  private @Nullable List<Transfer> transfers;

  ClientThread(Connection connection) {
    this.connection = connection;
  }

  /** What a client answered: a number, or -1 and an errno. */
  record Result(long value, int error) {}

  /** Puts the body of a message. */
  @FunctionalInterface
  interface Body {
    void putInto(ByteBuffer body);
  }

  /** Memory of the client that came along with a request. */
  private static final class Along {
    private byte[] bytes = new byte[64];
    private long address;
    private int length;

    void take(long from, ByteBuffer body, int count) {
      if (bytes.length < count) {
        bytes = new byte[count];
      }
      address = from;
      length = count;
      body.get(bytes, 0, count);
    }

    boolean copy(long from, byte[] to, int at, int count) {
      long first = from - address;
      if (first < 0 || first > length - count) {
        return false;
      }
      System.arraycopy(bytes, (int) first, to, at, count);
      return true;
    }
  }

  /**
   * A request begins, with what came along of memory.
   *
   * @param argument the request's
   * @param body the rest of its message: how many bytes of the structure there are, those, and
   *     where there is more the address of a value and as much of it
   * @param endsWithCopy whether what it copies out first is the last that it does at all
   * @param watched whether somebody wants to know what is copied
   * @throws ProtocolException where there are fewer bytes
   */
  void begin(long argument, ByteBuffer body, boolean endsWithCopy, boolean watched)
      throws ProtocolException {
    int count = body.getInt();
    if (count < 0 || count > body.remaining()) {
      throw new ProtocolException("a structure of " + Integer.toUnsignedString(count) + " bytes");
    }
    structure.take(argument, body, count);
    value.length = 0;
    if (body.hasRemaining()) {
      if (body.remaining() < Long.BYTES) {
        throw new ProtocolException("half an address");
      }
      value.take(body.getLong(), body, body.remaining());
    }
    transfers = watched ? new ArrayList<>() : null;
    // Whoever watches wants to know whether it succeeded.
    lastCopy = endsWithCopy && !watched;
    lastLength = 0;
  }

  /** What came along is stale: the client's memory has changed since. */
  void forgetAlong() {
    structure.length = 0;
    value.length = 0;
    lastCopy = false;
  }

  /** Ends what the client asked for. */
  void done(long result, int error) throws IOException {
    ByteBuffer body = connection.begin(MessageType.DONE).putLong(result).putInt(error);
    if (lastLength > 0) {
      body.putLong(lastAddress).put(last, 0, lastLength);
      lastLength = 0;
    }
    connection.send();
  }

  /** What was copied since the request began. */
  List<Transfer> transfers() {
    return transfers == null ? List.of() : transfers;
  }

  /** What was copied out to an address since the request began; null where nothing was. */
  byte @Nullable [] copiedOut(long address, int length) {
    for (Transfer each : transfers().reversed()) {
      long at = address - each.address();
      if (each.out() && at >= 0 && at + length <= each.bytes().length) {
        return Arrays.copyOfRange(each.bytes(), (int) at, (int) at + length);
      }
    }
    return null;
  }

  private void note(long address, byte[] bytes, int at, int length, boolean out) {
    if (transfers != null) {
      transfers.add(new Transfer(address, Arrays.copyOfRange(bytes, at, at + length), out));
    }
  }

  /** Copies in: all, or EFAULT. */
  void read(long address, byte[] to, int at, int length) throws KvmException {
    int got = tryRead(address, to, at, length);
    if (got < length) {
      throw new KvmException(
          Errno.EFAULT, "the client cannot read its memory at %#x", address + got);
    }
  }

  /** Copies in as much as can be read; answers how much that is. */
  int tryRead(long address, byte[] to, int at, int length) throws KvmException {
    if (structure.copy(address, to, at, length) || value.copy(address, to, at, length)) {
      note(address, to, at, length, false);
      return length;
    }
    copyLast();
    int done = 0;
    while (done < length) {
      int part = Math.min(length - done, Connection.CHUNK);
      int got;
      try {
        connection.begin(MessageType.READ).putLong(address + done).putInt(part);
        connection.send();
        connection.expect(MessageType.BYTES, 0);
        connection.requireBody(0, part);
        got = connection.body().remaining();
        connection.body().get(to, at + done, got);
      } catch (IOException e) {
        throw lost();
      }
      done += got;
      if (got < part) {
        break;
      }
    }
    note(address, to, at, done, false);
    return done;
  }

  /** Copies out: all, or EFAULT. */
  void write(long address, byte[] from, int at, int length) throws KvmException {
    boolean canWait = lastCopy && length > 0 && length <= Connection.CHUNK;
    copyLast();
    forgetAlong();
    if (canWait) {
      if (last.length < length) {
        last = new byte[length];
      }
      System.arraycopy(from, at, last, 0, length);
      lastAddress = address;
      lastLength = length;
      return;
    }
    copyOut(address, from, at, length);
    note(address, from, at, length, true);
  }

  /** A copy that was to be the last was not: it is made before what follows. */
  private void copyLast() throws KvmException {
    int length = lastLength;
    if (length > 0) {
      lastLength = 0;
      copyOut(lastAddress, last, 0, length);
    }
  }

  private void copyOut(long address, byte[] from, int at, int length) throws KvmException {
    int done = 0;
    while (done < length) {
      int part = Math.min(length - done, Connection.CHUNK);
      connection.begin(MessageType.WRITE).putLong(address + done).put(from, at + done, part);
      long got = result().value;
      if (got < 0 || got > part) {
        throw lost();
      }
      done += (int) got;
      if (got < part) {
        throw new KvmException(
            Errno.EFAULT, "the client cannot write its memory at %#x", address + done);
      }
    }
  }

  /** Says what a client does, and waits for its RESULT. */
  Result tell(int type, Body body) throws KvmException {
    copyLast();
    body.putInto(connection.begin(type));
    return result();
  }

  private Result result() throws KvmException {
    try {
      connection.send();
      connection.expect(MessageType.RESULT, 12);
      connection.requireBody(12, 12);
      return new Result(connection.body().getLong(), connection.body().getInt());
    } catch (IOException e) {
      throw lost();
    }
  }

  /** The rest of the request finds no client; the loop that serves the thread ends with it. */
  KvmException lost() {
    connection.close();
    return GONE;
  }
}
