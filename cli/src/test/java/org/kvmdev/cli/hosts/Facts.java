package org.kvmdev.cli.hosts;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a recorded machine answered, in sections: objects, lists, texts and numbers. */
final class Facts {
  private final Map<String, Object> sections;

  private Facts(Map<String, Object> sections) {
    this.sections = sections;
  }

  /** Reads a machine's. */
  static Facts of(String host) {
    try (InputStream file = Facts.class.getResourceAsStream(host + ".json");
        JsonParser json = new JsonFactory().createParser(file)) {
      json.nextToken();
      return new Facts(map(value(json)));
    } catch (IOException e) {
      throw new UncheckedIOException(host, e);
    }
  }

  /** Reads one line of a file of lines. */
  static Map<String, Object> line(String text) {
    try (JsonParser json = new JsonFactory().createParser(text)) {
      json.nextToken();
      return map(value(json));
    } catch (IOException e) {
      throw new UncheckedIOException(text, e);
    }
  }

  private static Object value(JsonParser json) throws IOException {
    switch (json.currentToken()) {
      case START_OBJECT -> {
        Map<String, Object> map = new LinkedHashMap<>();
        while (json.nextToken() != JsonToken.END_OBJECT) {
          String key = json.currentName();
          json.nextToken();
          map.put(key, value(json));
        }
        return map;
      }
      case START_ARRAY -> {
        List<Object> list = new ArrayList<>();
        while (json.nextToken() != JsonToken.END_ARRAY) {
          list.add(value(json));
        }
        return list;
      }
      case VALUE_NUMBER_INT -> {
        return json.getLongValue();
      }
      case VALUE_TRUE, VALUE_FALSE -> {
        return json.getBooleanValue();
      }
      default -> {
        return json.getText();
      }
    }
  }

  /** The names of all sections. */
  List<String> names() {
    return List.copyOf(sections.keySet());
  }

  /** A section that is an object. */
  Map<String, Object> map(String section) {
    return map(get(section));
  }

  /** A section that is a list. */
  List<Object> list(String section) {
    return list(get(section));
  }

  /** A section that is one text or number. */
  String text(String section) {
    return get(section).toString();
  }

  private Object get(String section) {
    Object found = sections.get(section);
    if (found == null) {
      throw new IllegalArgumentException("there is no section " + section);
    }
    return found;
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> map(Object value) {
    return (Map<String, Object>) value;
  }

  @SuppressWarnings("unchecked")
  static List<Object> list(Object value) {
    return (List<Object>) value;
  }

  /** The texts of a list. */
  static List<String> texts(Object value) {
    return list(value).stream().map(Object::toString).toList();
  }

  /** The number of a text or number: decimal, or hexadecimal with 0x. */
  static long number(Object value) {
    String text = value.toString();
    return text.startsWith("0x")
        ? Long.parseUnsignedLong(text.substring(2), 16)
        : Long.parseLong(text);
  }

  /** How many answers a section holds: its numbers, texts and booleans. */
  int size(String section) {
    return size(get(section));
  }

  static int size(Object value) {
    if (value instanceof Map<?, ?> map) {
      return map.values().stream().mapToInt(Facts::size).sum();
    }
    return value instanceof List<?> list ? list.stream().mapToInt(Facts::size).sum() : 1;
  }
}
