package org.kvmdev.bridge;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/**
 * One connection: messages in and out, one at a time. A message is a header of two little-endian
 * numbers, its type and the length of its body, and the body. It belongs to one thread; only {@link
 * #post} and {@link #close} can be called from another.
 */
final class Connection implements AutoCloseable {
  static final int HEADER = 8;

  /** Bytes of memory in one message at most. */
  static final int CHUNK = 65536;

  /** The longest body: memory, and the fields before it. */
  static final int MOST = CHUNK + 64;

  /**
   * How long to look for the next message before waiting for it. A client that makes many requests
   * makes the next one sooner than it takes to fall asleep and be woken. Between two looks the
   * processor is free for a client that has the same one.
   */
  private static final long LOOKING_NANOS =
      Runtime.getRuntime().availableProcessors() > 1 ? 200_000 : 0;

  /** Whoever does not get the processor back within that shares it with another program. */
  private static final long TAKEN_NANOS = 500_000;

  /** For how many messages not to look then, and how often at most that is doubled. */
  private static final int REST = 64;

  private static final int MOST_DOUBLED = 6;

  private final SocketChannel channel;
  private final ByteBuffer in = buffer();
  private final ByteBuffer out = buffer();

  /** Whether messages are looked for at all. */
  private boolean looks;

  /** For how many messages not to look, since the processor was taken. */
  private int rest;

  /** How often in a row it was. */
  private int taken;

  private boolean blocking = true;

  Connection(SocketChannel channel) {
    this.channel = channel;
  }

  /** From now on messages may come one soon after the other. */
  void expectSoon() {
    looks = LOOKING_NANOS > 0;
  }

  private static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(HEADER + MOST).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Waits for the next message.
   *
   * @return its type; {@link #body} is its body
   * @throws EOFException where the client is gone
   * @throws ProtocolException where this cannot be a message
   * @throws IOException where the connection is broken
   */
  int receive() throws IOException {
    in.clear();
    fill(HEADER);
    int type = in.getInt(0);
    int length = in.getInt(4);
    if (length < 0 || length > MOST) {
      throw new ProtocolException(
          "a message with a body of "
              + Integer.toUnsignedString(length)
              + " bytes; there are at most "
              + MOST);
    }
    fill(HEADER + length);
    if (in.position() != HEADER + length) {
      throw new ProtocolException("a message before the last one was answered");
    }
    in.flip().position(HEADER);
    return type;
  }

  private void fill(int length) throws IOException {
    while (in.position() < length) {
      if (read() < 0) {
        throw new EOFException("the client has closed the connection");
      }
    }
  }

  private int read() throws IOException {
    if (!looks || rest > 0) {
      rest = Math.max(0, rest - 1);
      block(true);
      return channel.read(in);
    }
    block(false);
    long begin = System.nanoTime();
    long before = begin;
    do {
      int got = channel.read(in);
      if (got != 0) {
        taken = before == begin ? taken : Math.max(0, taken - 1);
        return got;
      }
      Thread.yield();
      long now = System.nanoTime();
      if (now - before > TAKEN_NANOS) {
        rest = REST << taken;
        taken = Math.min(taken + 1, MOST_DOUBLED);
        break;
      }
      before = now;
    } while (before - begin < LOOKING_NANOS);
    block(true);
    return channel.read(in);
  }

  private void block(boolean wanted) throws IOException {
    if (blocking != wanted) {
      channel.configureBlocking(wanted);
      blocking = wanted;
    }
  }

  /** Waits for an answer of a type. */
  void expect(int wanted, int atLeast) throws IOException {
    int type = receive();
    if (type != wanted || in.remaining() < atLeast) {
      throw new ProtocolException(
          "a message of type " + type + " where one of type " + wanted + " should come");
    }
  }

  /** The body of the message received last; its position is at what was not read yet. */
  ByteBuffer body() {
    return in;
  }

  /** Refuses a body that has not a length. */
  void requireBody(int atLeast, int atMost) throws ProtocolException {
    if (in.remaining() < atLeast || in.remaining() > atMost) {
      throw new ProtocolException(
          "a body of "
              + in.remaining()
              + " bytes; a message of type "
              + in.getInt(0)
              + " has at least "
              + atLeast
              + " and at most "
              + atMost);
    }
  }

  /** Begins a message; its body is put into what is answered, and then it is sent. */
  ByteBuffer begin(int type) {
    return out.clear().putInt(type).putInt(0);
  }

  /** Sends the message that was begun. */
  void send() throws IOException {
    out.putInt(4, out.position() - HEADER).flip();
    write(out);
  }

  /** Tells something unasked, that has no answer; from any thread. */
  void post(int type, long value) throws IOException {
    write(
        ByteBuffer.allocate(HEADER + Long.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(type)
            .putInt(Long.BYTES)
            .putLong(value)
            .flip());
  }

  private void write(ByteBuffer message) throws IOException {
    synchronized (channel) {
      channel.write(message);
      while (message.hasRemaining()) {
        // The client does not take it yet.
        block(true);
        channel.write(message);
      }
    }
  }

  /** Sends a message whose body is a text. */
  void sendText(int type, String text) throws IOException {
    begin(type).put(text.getBytes(StandardCharsets.UTF_8));
    send();
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // It is of no use any more, closed or not.
    }
  }
}
