package org.kvmdev.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.Departure;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KeyField;
import org.kvmdev.api.register.Register;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;
import org.kvmdev.runtime.Kvm;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** What a device type declares. */
@Command(
    name = "describe",
    description = "Describes a device type: its groups, attributes and registers.",
    mixinStandardHelpOptions = true)
final class DescribeCommand implements Callable<Integer> {
  @ParentCommand private KvmdevCommand kvmdev;

  @Parameters(
      paramLabel = "TYPE",
      description = "A type's number or name; the end of a name is enough: FSL_MPIC_42.")
  private String wanted = "";

  @Override
  public Integer call() {
    try (Kvm kvm = kvmdev.scope().kvm()) {
      DeviceType type = find(kvm.types(), wanted);
      if (kvmdev.scope().isJson()) {
        Json.print(kvmdev.scope().out(), json -> write(json, type));
      } else {
        print(kvmdev.scope().out(), kvm, type);
      }
      return 0;
    }
  }

  private static DeviceType find(List<DeviceType> types, String wanted) {
    List<DeviceType> found = new ArrayList<>();
    for (DeviceType type : types) {
      if (wanted.equals(type.name()) || isNumber(wanted, type.number())) {
        return type;
      }
      if (type.name().toLowerCase().endsWith(wanted.toLowerCase())) {
        found.add(type);
      }
    }
    if (found.size() == 1) {
      return found.get(0);
    }
    List<String> names =
        (found.isEmpty() ? types : found)
            .stream().map(type -> type.numberText() + " " + type.name()).toList();
    throw new WrongInput(
        (found.isEmpty() ? "there is no device type " : "more than one device type ends with ")
            + wanted
            + (names.isEmpty()
                ? "; there are none: name a folder of device jars with --plugins"
                : "; there is: " + String.join(", ", names))
            + Distribution.here().elsewhere(wanted));
  }

  private static boolean isNumber(String text, int number) {
    try {
      return Long.decode(text) == number;
    } catch (NumberFormatException e) {
      return false;
    }
  }

  // Text.

  private static void print(PrintWriter out, Kvm kvm, DeviceType type) {
    out.println(type.name() + " (" + type.numberText() + "), file " + type.fileName());
    out.println(type.summary());
    line(out, "source", type.source());
    line(out, "hosts", String.join(" ", ListCommand.hosts(kvm, type)));
    line(out, "operations", words(type.operations().stream().sorted().toList()));
    line(out, "lifetime", words(List.of(type.lifetime())));
    line(out, "state", words(List.of(type.completeness())));
    type.limit()
        .ifPresent(
            limit ->
                line(
                    out,
                    "limit",
                    limit.most() + " of the group " + limit.group() + ", then " + limit.refusal()));
    // Several groups may depart alike.
    for (Departure departure : new LinkedHashSet<>(type.departures())) {
      line(out, "departure", departure.rule() + ": " + departure.what());
      line(out, "", "(" + departure.source() + ")");
    }
    for (AttributeGroup group : type.groups()) {
      out.println();
      out.println("group " + group.number() + " " + group.name() + ": " + group.summary());
      for (KeyField field : group.fields()) {
        out.println(
            "  attr["
                + field.high()
                + ":"
                + field.low()
                + "] "
                + field.name()
                + ": "
                + field.meaning());
      }
      out.println("  any other attr: " + unknown(group));
      List<Attribute> attributes =
          type.attributes().stream().filter(each -> each.group() == group).toList();
      attributes.forEach(attribute -> print(out, attribute));
    }
  }

  private static void print(PrintWriter out, Attribute attribute) {
    String number =
        attribute.isKeyed()
            ? "attr %#x to %#x".formatted(attribute.firstKey(), attribute.lastKey())
            : "attr " + attribute.number();
    out.println(
        "  "
            + number
            + " "
            + attribute.name()
            + ", "
            + attribute.size()
            + " bytes, "
            + words(List.of(attribute.access()))
            + ": "
            + attribute.summary());
    sentence(out, attribute.when());
    sentence(out, attribute.effects());
    sentence(out, attribute.source());
    for (RegisterMap<?> map : attribute.registers()) {
      out.println();
      out.println("    " + map.name());
      registers(map).print(out, "    ");
    }
  }

  private static Table registers(RegisterMap<?> map) {
    Table table = new Table("OFFSET", "NAME", "BYTES", "ACCESS", "RESET", "WHAT IT IS");
    for (Register register : map.registers()) {
      RegisterSpec spec = register.spec();
      table.add(
          offset(spec),
          register.name(),
          Integer.toString(spec.width()),
          access(spec),
          "%#x".formatted(map.reset(register)),
          (spec.summary() + " " + spec.effects()).strip());
    }
    return table;
  }

  private static String offset(RegisterSpec spec) {
    String first = "%#x".formatted(spec.offset());
    String offset =
        spec.count() == 1
            ? first
            : first + "-%#x +%#x".formatted(spec.offset(spec.count() - 1), spec.stride());
    return (offset + " " + spec.place()).strip();
  }

  private static String access(RegisterSpec spec) {
    return (spec.reads() ? "r" : "-") + (spec.writes() ? "w" : "-");
  }

  private static String unknown(AttributeGroup group) {
    return "HAS "
        + answer(group.unknownHas())
        + ", GET "
        + answer(group.unknownGet())
        + ", SET "
        + answer(group.unknownSet());
  }

  private static String answer(@Nullable Errno errno) {
    return errno == null ? "0" : errno.name();
  }

  private static void sentence(PrintWriter out, String text) {
    if (!text.isEmpty()) {
      out.println("    " + text);
    }
  }

  private static void line(PrintWriter out, String name, String text) {
    if (!text.isEmpty()) {
      out.println("  %-11s %s".formatted(name, text));
    }
  }

  private static String words(List<? extends Enum<?>> constants) {
    return String.join(
        ", ", constants.stream().map(each -> each.name().toLowerCase().replace('_', ' ')).toList());
  }

  // JSON.

  private static void write(JsonGenerator json, DeviceType type) throws IOException {
    json.writeStartObject();
    json.writeNumberField("type", type.number());
    json.writeStringField("name", type.name());
    json.writeStringField("file", type.fileName());
    json.writeStringField("summary", type.summary());
    json.writeStringField("source", type.source());
    json.writeStringField("lifetime", type.lifetime().name());
    json.writeStringField("state", type.completeness().name());
    json.writeArrayFieldStart("operations");
    for (Enum<?> operation : type.operations().stream().sorted().toList()) {
      json.writeString(operation.name());
    }
    json.writeEndArray();
    json.writeArrayFieldStart("departures");
    for (Departure departure : type.departures()) {
      json.writeStartObject();
      json.writeStringField("rule", departure.rule());
      json.writeStringField("what", departure.what());
      json.writeStringField("source", departure.source());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeArrayFieldStart("groups");
    for (AttributeGroup group : type.groups()) {
      write(json, type, group);
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void write(JsonGenerator json, DeviceType type, AttributeGroup group)
      throws IOException {
    json.writeStartObject();
    json.writeNumberField("group", group.number());
    json.writeStringField("name", group.name());
    json.writeStringField("summary", group.summary());
    json.writeStringField("unknownHas", answer(group.unknownHas()));
    json.writeStringField("unknownGet", answer(group.unknownGet()));
    json.writeStringField("unknownSet", answer(group.unknownSet()));
    json.writeArrayFieldStart("fields");
    for (KeyField field : group.fields()) {
      json.writeStartObject();
      json.writeStringField("name", field.name());
      json.writeNumberField("high", field.high());
      json.writeNumberField("low", field.low());
      json.writeStringField("meaning", field.meaning());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeArrayFieldStart("attributes");
    for (Attribute attribute : type.attributes()) {
      if (attribute.group() == group) {
        write(json, attribute);
      }
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void write(JsonGenerator json, Attribute attribute) throws IOException {
    json.writeStartObject();
    json.writeStringField("name", attribute.name());
    json.writeStringField("first", "%#x".formatted(attribute.firstKey()));
    json.writeStringField("last", "%#x".formatted(attribute.lastKey()));
    json.writeNumberField("size", attribute.size());
    json.writeStringField("access", attribute.access().name());
    json.writeStringField("summary", attribute.summary());
    json.writeStringField("when", attribute.when());
    json.writeStringField("effects", attribute.effects());
    json.writeStringField("source", attribute.source());
    json.writeArrayFieldStart("registers");
    for (RegisterMap<?> map : attribute.registers()) {
      for (Register register : map.registers()) {
        RegisterSpec spec = register.spec();
        json.writeStartObject();
        json.writeStringField("part", map.name());
        json.writeStringField("name", register.name());
        json.writeStringField("offset", "%#x".formatted(spec.offset()));
        json.writeStringField("place", spec.place());
        json.writeNumberField("count", spec.count());
        json.writeNumberField("stride", spec.stride());
        json.writeNumberField("width", spec.width());
        json.writeStringField("access", access(spec));
        json.writeStringField("reset", "%#x".formatted(map.reset(register)));
        json.writeStringField("summary", spec.summary());
        json.writeStringField("effects", spec.effects());
        json.writeStringField("source", spec.source());
        json.writeEndObject();
      }
    }
    json.writeEndArray();
    json.writeEndObject();
  }
}
