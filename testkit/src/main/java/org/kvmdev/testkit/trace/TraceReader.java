package org.kvmdev.testkit.trace;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads recordings: JSON Lines, the first of which is the header. A line that is no call is told
 * with its number and what would be right, and the rest is read all the same.
 */
public final class TraceReader {
  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();
  private static final Field[] FIELDS = Field.values();
  private static final BigInteger UNSIGNED_END = BigInteger.ONE.shiftLeft(64);

  private TraceReader() {}

  /**
   * Reads a recording.
   *
   * @param name the file's name, for messages
   * @param in the recording, in UTF-8; it is not closed
   * @return the recording, with those of its lines that are broken told apart
   * @throws TraceException where the header is broken
   * @throws IOException where it cannot be read
   */
  public static Trace read(String name, InputStream in) throws TraceException, IOException {
    return read(name, in.readAllBytes());
  }

  /**
   * Reads a recording.
   *
   * @param name the file's name, for messages
   * @param text the recording, in UTF-8
   * @return the recording, with those of its lines that are broken told apart
   * @throws TraceException where the header is broken
   */
  public static Trace read(String name, byte[] text) throws TraceException {
    Header header = null;
    List<Call> calls = new ArrayList<>();
    List<BrokenLine> broken = new ArrayList<>();
    int line = 0;
    for (int start = 0; start < text.length; ) {
      int end = start;
      while (end < text.length && text[end] != '\n') {
        end++;
      }
      line++;
      try (JsonParser json = JSON.createParser(text, start, end - start)) {
        if (line == 1) {
          header = header(json);
        } else {
          calls.add(call(line, json));
        }
      } catch (JsonProcessingException e) {
        fault(name, line, "no JSON: " + e.getOriginalMessage(), broken);
      } catch (Fault e) {
        fault(name, line, e.message, broken);
      } catch (IOException e) {
        fault(name, line, "cannot be read: " + e.getMessage(), broken);
      }
      start = end + 1;
    }
    if (header == null) {
      throw new TraceException(name + ":1: the file is empty; a recording begins with its header");
    }
    return new Trace(name, header, calls, broken);
  }

  private static void fault(String name, int line, String message, List<BrokenLine> broken)
      throws TraceException {
    if (line == 1) {
      throw new TraceException(name + ":1: " + message);
    }
    broken.add(new BrokenLine(line, message));
  }

  private static Header header(JsonParser json) throws IOException, Fault {
    begin(json);
    Map<String, Object> values = new TreeMap<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String key = json.currentName();
      JsonToken token = json.nextToken();
      if (token == JsonToken.VALUE_STRING) {
        values.put(key, json.getText());
      } else if (token == JsonToken.VALUE_NUMBER_INT) {
        values.put(key, number(json));
      } else {
        throw new Fault("the header's " + key + " should be a string or a number");
      }
    }
    end(json);
    if (!Header.FORMAT.equals(values.get("format"))) {
      throw new Fault(
          "no header of a recording, which begins {\"format\":\"" + Header.FORMAT + "\",…");
    }
    if (!Long.valueOf(Header.VERSION).equals(values.get("version"))) {
      throw new Fault(
          "version " + values.get("version") + " cannot be read; this reads " + Header.VERSION);
    }
    return new Header(
        text(values, "arch"),
        order(text(values, "endian")),
        text(values, "host"),
        text(values, "source"),
        text(values, "title"));
  }

  private static String text(Map<String, Object> header, String key) throws Fault {
    if (header.get(key) instanceof String value) {
      return value;
    }
    throw new Fault("the header lacks \"" + key + "\", a string");
  }

  private static ByteOrder order(String endian) throws Fault {
    return switch (endian) {
      case "little" -> ByteOrder.LITTLE_ENDIAN;
      case "big" -> ByteOrder.BIG_ENDIAN;
      default -> throw new Fault("endian \"" + endian + "\" should be \"little\" or \"big\"");
    };
  }

  private static Call call(int line, JsonParser json) throws IOException, Fault {
    begin(json);
    String name = null;
    String stranger = null;
    @Nullable Object[] values = Call.noValues();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String key = json.currentName();
      json.nextToken();
      if (key.equals("call")) {
        name = string(json);
        continue;
      }
      Field field = Field.named(key);
      if (field == null) {
        stranger = key;
        json.skipChildren();
        continue;
      }
      Object value = value(json, field);
      if (value == null) {
        throw new Fault(field + " should be " + field.form().words() + ", not " + json.getText());
      }
      values[field.ordinal()] = value;
    }
    end(json);
    return new Call(line, kind(name, stranger, values), values);
  }

  /** The call's kind, once the fields are held against it. */
  private static CallKind kind(
      @Nullable String name, @Nullable String stranger, @Nullable Object[] values) throws Fault {
    if (name == null) {
      throw new Fault("the line lacks call, a string, the call's name");
    }
    CallKind kind = CallKind.named(name);
    if (kind == null) {
      throw new Fault("there is no call " + name + Nearest.hint(name, List.of(CallKind.values())));
    }
    if (stranger != null) {
      throw new Fault(kind + " has no field " + stranger + Nearest.hint(stranger, kind.fields()));
    }
    for (Field field : FIELDS) {
      if (values[field.ordinal()] != null && !kind.allows(field)) {
        throw new Fault(
            kind + " has no field " + field + Nearest.hint(field.wireName(), kind.fields()));
      }
    }
    for (Field field : kind.required()) {
      if (values[field.ordinal()] == null) {
        throw new Fault(kind + " lacks " + field + ", " + field.form().words());
      }
    }
    return kind;
  }

  private static void begin(JsonParser json) throws IOException, Fault {
    JsonToken token = json.nextToken();
    if (token == null) {
      throw new Fault("the line is empty; each line is one JSON object");
    }
    if (token != JsonToken.START_OBJECT) {
      throw new Fault("each line is one JSON object, in braces");
    }
  }

  private static void end(JsonParser json) throws IOException, Fault {
    if (json.nextToken() != null) {
      throw new Fault("something follows the object; each line is one JSON object");
    }
  }

  private static @Nullable Object value(JsonParser json, Field field) throws IOException {
    return switch (field.form()) {
      case NUMBER -> number(json);
      case NUMBERS -> numbers(json);
      case BYTES -> bytes(json);
      case HANDLE, TEXT -> string(json);
      case FLAG -> json.currentToken().isBoolean() ? (Object) json.getBooleanValue() : null;
      case POINTER -> pointer(json);
      case ROUTES -> routes(json);
    };
  }

  private static @Nullable String string(JsonParser json) throws IOException {
    return json.currentToken() == JsonToken.VALUE_STRING ? json.getText() : null;
  }

  private static @Nullable String pointer(JsonParser json) throws IOException {
    String text = string(json);
    return text != null && (text.equals("null") || text.equals("bad")) ? text : null;
  }

  /** A number in either form, or null where it is none. */
  private static @Nullable Long number(JsonParser json) throws IOException {
    if (json.currentToken() == JsonToken.VALUE_NUMBER_INT) {
      switch (json.getNumberType()) {
        case INT, LONG -> {
          return json.getLongValue();
        }
        default -> {
          BigInteger big = json.getBigIntegerValue();
          return big.signum() >= 0 && big.compareTo(UNSIGNED_END) < 0 ? big.longValue() : null;
        }
      }
    }
    String text = string(json);
    return text == null ? null : hexadecimal(text);
  }

  private static @Nullable Long hexadecimal(String text) {
    int length = text.length();
    if (length < 3 || length > 18 || !text.startsWith("0x")) {
      return null;
    }
    long value = 0;
    for (int i = 2; i < length; i++) {
      if (!HexFormat.isHexDigit(text.charAt(i))) {
        return null;
      }
      value = value << 4 | HexFormat.fromHexDigit(text.charAt(i));
    }
    return value;
  }

  private static byte @Nullable [] bytes(JsonParser json) throws IOException {
    String text = string(json);
    if (text == null || text.length() % 2 != 0) {
      return null;
    }
    byte[] bytes = new byte[text.length() / 2];
    for (int i = 0; i < bytes.length; i++) {
      int high = digit(text.charAt(2 * i));
      int low = digit(text.charAt(2 * i + 1));
      if ((high | low) < 0) {
        return null;
      }
      bytes[i] = (byte) (high << 4 | low);
    }
    return bytes;
  }

  private static int digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  }

  private static @Nullable List<Object> numbers(JsonParser json) throws IOException {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      return null;
    }
    List<Object> list = new ArrayList<>();
    for (JsonToken t = json.nextToken(); t != JsonToken.END_ARRAY; t = json.nextToken()) {
      Object value = number(json);
      if (value == null) {
        value = string(json);
      }
      if (value == null) {
        return null;
      }
      list.add(value);
    }
    return list;
  }

  private static @Nullable List<RouteEntry> routes(JsonParser json) throws IOException {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      return null;
    }
    List<RouteEntry> entries = new ArrayList<>();
    for (JsonToken t = json.nextToken(); t != JsonToken.END_ARRAY; t = json.nextToken()) {
      RouteEntry entry = t == JsonToken.START_OBJECT ? route(json) : null;
      if (entry == null) {
        return null;
      }
      entries.add(entry);
    }
    return entries;
  }

  private static @Nullable RouteEntry route(JsonParser json) throws IOException {
    Long gsi = null;
    Long type = null;
    long flags = 0;
    Integer[] words = {0, 0, 0, 0};
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String key = json.currentName();
      json.nextToken();
      Long value = number(json);
      if (value == null) {
        return null;
      }
      switch (key) {
        case "gsi" -> gsi = value;
        case "type" -> type = value;
        case "flags" -> flags = value;
        case "irqchip" -> words[0] = value.intValue();
        case "pin" -> words[1] = value.intValue();
        case "address" -> {
          words[0] = value.intValue();
          words[1] = (int) (value >>> 32);
        }
        case "data" -> words[2] = value.intValue();
        case "devid" -> words[3] = value.intValue();
        default -> {
          return null;
        }
      }
    }
    return gsi == null || type == null
        ? null
        : new RouteEntry(gsi.intValue(), type.intValue(), (int) flags, List.of(words));
  }

  /** What is wrong with a line. */
  private static final class Fault extends Exception {
    private static final long serialVersionUID = 1;
    final String message;

    Fault(String message) {
      super(message, null, false, false);
      this.message = message;
    }
  }
}
