package org.kvmdev.bridge;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceType;

/**
 * Writes a recording (docs/trace-format.md) of what a program asks of the machine's own KVM, and of
 * what that answers. Of one process: others that it starts use the machine's KVM unrecorded.
 */
public final class Recorder implements AutoCloseable {
  private final Writer out;
  private final String host;
  private final String source;
  private final String title;
  final List<DeviceType> types;
  private final AtomicBoolean taken = new AtomicBoolean();
  private final Map<String, Integer> skipped = new TreeMap<>();

  /** Guarded by this. */
  private int calls;

  /**
   * A recorder of one program.
   *
   * @param out where the recording goes; closed here
   * @param host the name of the machine's host, by which it is replayed
   * @param source the machine in words: its kernel's version
   * @param title what is recorded
   * @param types device types whose declarations say how long an attribute's data are; of one that
   *     is not among them, 8 bytes are recorded
   */
  public Recorder(Writer out, String host, String source, String title, List<DeviceType> types) {
    this.out = out;
    this.host = host;
    this.source = source;
    this.title = title;
    this.types = List.copyOf(types);
  }

  /** Whether a process is the one that is recorded: the first that asks. */
  boolean take(String architecture, ByteOrder order) {
    if (taken.getAndSet(true)) {
      return false;
    }
    Line header = new Line();
    header.text("format", "kvm-device-trace");
    header.number("version", 1);
    header.text("arch", architecture);
    header.text("endian", order == ByteOrder.LITTLE_ENDIAN ? "little" : "big");
    header.text("host", host);
    header.text("source", source);
    header.text("title", title);
    write(header);
    return true;
  }

  synchronized void call(Line line) {
    calls++;
    write(line);
  }

  private synchronized void write(Line line) {
    try {
      out.write(line.end());
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException("the recording cannot be written", e);
    }
  }

  /** A request that no line can tell. */
  synchronized void skip(String what) {
    skipped.merge(what, 1, Integer::sum);
  }

  /**
   * How many calls were recorded.
   *
   * @return their number
   */
  public synchronized int calls() {
    return calls;
  }

  /**
   * What the program asked for and a recording cannot tell.
   *
   * @return the requests in words, and how often each was made
   */
  public synchronized Map<String, Integer> skipped() {
    return Map.copyOf(skipped);
  }

  @Override
  public void close() throws IOException {
    out.close();
  }

  /** A line of a recording: one JSON object. */
  static final class Line {
    private final StringBuilder text = new StringBuilder("{");

    private StringBuilder key(String key) {
      return text.append(text.length() == 1 ? "" : ",").append('"').append(key).append("\":");
    }

    Line number(String key, long value) {
      key(key).append(value);
      return this;
    }

    /** A quantity of 64 bits. */
    Line wide(String key, long value) {
      key(key).append("\"0x").append(Long.toHexString(value)).append('"');
      return this;
    }

    Line bytes(String key, byte[] bytes) {
      return text(key, HexFormat.of().formatHex(bytes));
    }

    Line text(String key, @Nullable String value) {
      StringBuilder to = key(key).append('"');
      for (char each : String.valueOf(value).toCharArray()) {
        if (each == '"' || each == '\\') {
          to.append('\\').append(each);
        } else if (each < ' ') {
          to.append(' ');
        } else {
          to.append(each);
        }
      }
      to.append('"');
      return this;
    }

    /** Something in JSON already. */
    Line json(String key, String json) {
      key(key).append(json);
      return this;
    }

    String end() {
      return text + "}\n";
    }
  }
}
