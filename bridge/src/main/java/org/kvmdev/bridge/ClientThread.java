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

  /** What came along with the request: the first bytes at its argument. */
  private final byte[] ahead = new byte[Connection.CHUNK];

  private long aheadAddress;
  private int aheadLength;

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

  /** A request begins, with what came along of the memory at its argument. */
  void begin(long argument, ByteBuffer along, boolean watched) {
    aheadAddress = argument;
    aheadLength = along.remaining();
    along.get(ahead, 0, aheadLength);
    transfers = watched ? new ArrayList<>() : null;
  }

  /** What came along is stale: the client's memory has changed since. */
  void forgetAhead() {
    aheadLength = 0;
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
    long from = address - aheadAddress;
    if (from >= 0 && from <= aheadLength - length) {
      System.arraycopy(ahead, (int) from, to, at, length);
      note(address, to, at, length, false);
      return length;
    }
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
    aheadLength = 0;
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
    note(address, from, at, length, true);
  }

  /** Says what a client does, and waits for its RESULT. */
  Result tell(int type, Body body) throws KvmException {
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
