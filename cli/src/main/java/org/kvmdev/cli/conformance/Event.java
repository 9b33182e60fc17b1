package org.kvmdev.cli.conformance;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the child tells its parent: a line each on the child's standard output, with a mark at its
 * begin, since a JVM that crashes writes there too.
 *
 * @param kind what happened
 * @param fields lists of texts by their names
 */
record Event(Kind kind, Map<String, List<String>> fields) {
  private static final String MARK = "@kvmdev ";
  private static final String KIND = "event";
  private static final JsonFactory JSON = new JsonFactory();

  /** What happens in a child, in this order. */
  enum Kind {
    /** Something keeps the jar, or one of its providers, from being used. */
    FAULT,
    /** A device type was found. */
    TYPE,
    /** All types were told, and rules follow. */
    LOADED,
    /** A rule is begun. */
    BEGIN,
    /** A rule came to a result. */
    RESULT,
    /** A rule hung, and its thread goes on: the rest needs another child. */
    HUNG,
    /** All is done. */
    END
  }

  static Event of(Kind kind) {
    return new Event(kind, new LinkedHashMap<>());
  }

  Event with(String name, String... texts) {
    return with(name, List.of(texts));
  }

  Event with(String name, List<String> texts) {
    fields.put(name, texts);
    return this;
  }

  /** A field of one text; empty where there is none. */
  String text(String name) {
    List<String> texts = list(name);
    return texts.isEmpty() ? "" : texts.getFirst();
  }

  List<String> list(String name) {
    return fields.getOrDefault(name, List.of());
  }

  String line() {
    StringWriter text = new StringWriter();
    text.write(MARK);
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      json.writeStringField(KIND, kind.name());
      for (Map.Entry<String, List<String>> field : fields.entrySet()) {
        json.writeArrayFieldStart(field.getKey());
        for (String each : field.getValue()) {
          json.writeString(each);
        }
        json.writeEndArray();
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }

  /** Reads a line; null where it is none of ours. */
  static @Nullable Event read(String line) {
    if (!line.startsWith(MARK)) {
      return null;
    }
    try (JsonParser json = JSON.createParser(line.substring(MARK.length()))) {
      Kind kind = null;
      Map<String, List<String>> fields = new LinkedHashMap<>();
      json.nextToken();
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String name = json.currentName();
        if (json.nextToken() == JsonToken.VALUE_STRING) {
          kind = Kind.valueOf(json.getText());
          continue;
        }
        List<String> texts = new ArrayList<>();
        while (json.nextToken() == JsonToken.VALUE_STRING) {
          texts.add(json.getText());
        }
        fields.put(name, texts);
      }
      return kind == null ? null : new Event(kind, fields);
    } catch (IOException e) {
      // Cut off by the child's end.
      return null;
    }
  }
}
