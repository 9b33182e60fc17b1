package org.kvmdev.testkit.replay;

import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceType;
import org.kvmdev.runtime.AttributeNames;
import org.kvmdev.runtime.ioctl.FileKind;
import org.kvmdev.testkit.trace.Call;
import org.kvmdev.testkit.trace.CallKind;
import org.kvmdev.testkit.trace.Field;

/** Calls and their answers in words: names instead of numbers, where a declaration has them. */
final class Words {
  /** How many bytes are shown; of more, those from the first difference. */
  private static final int BYTES_SHOWN = 16;

  private final ByteOrder order;
  private final Session session;

  Words(ByteOrder order, Session session) {
    this.order = order;
    this.session = session;
  }

  /** A call with its inputs: {@code KVM_GET_DEVICE_ATTR mpic KVM_DEV_MPIC_GRP_REGISTER IVPR3}. */
  String call(Call call) {
    CallKind kind = call.kind();
    StringBuilder text = new StringBuilder(kind.wireName());
    List<String> inputs = new ArrayList<>();
    for (Field field : Field.values()) {
      if (!call.has(field) || !kind.takes(field)) {
        continue;
      }
      switch (field.form()) {
        case HANDLE -> text.append(' ').append(call.text(field));
        case POINTER -> inputs.add(field + " " + call.text(field));
        default -> {
          String input = input(call, field);
          if (!input.isEmpty()) {
            inputs.add(input);
          }
        }
      }
    }
    if (call.has(Field.GROUP)) {
      text.append(' ').append(attribute(call));
    }
    return inputs.isEmpty() ? text.toString() : text + ", " + String.join(", ", inputs);
  }

  private String input(Call call, Field field) {
    switch (field) {
      case GROUP, ATTR -> {
        return "";
      }
      case FLAGS -> {
        return call.number(field) == 0 ? "" : "flags " + hex(call.number(field));
      }
      case TYPE -> {
        return call.kind() == CallKind.KVM_CREATE_DEVICE
            ? typeName((int) call.number(field))
            : "type " + call.number(field);
      }
      case REQUEST -> {
        Handle on = session.handle(call.text(Field.ON));
        FileKind kind =
            on == null || on.type != null
                ? FileKind.DEVICE
                : on.vcpu != null ? FileKind.VCPU : FileKind.VM;
        return "request " + session.requests().name(kind, (int) call.number(field));
      }
      default -> {
        return text(field, call.value(field), null);
      }
    }
  }

  private String typeName(int number) {
    for (DeviceType type : session.types()) {
      if (type.number() == number) {
        return type.name();
      }
    }
    return "type " + number;
  }

  private String attribute(Call call) {
    Handle device = session.handle(call.text(Field.DEV));
    return AttributeNames.attribute(
        device == null ? null : device.type,
        (int) call.number(Field.GROUP),
        call.number(Field.ATTR));
  }

  /** What the recording says that a call answered. */
  String expected(Call call, Outcome got) {
    List<String> answers = new ArrayList<>();
    for (Field field : call.kind().outputs()) {
      answer(answers, field, Comparison.expected(call, field), got.value(field));
    }
    return answers.isEmpty() ? "success" : String.join(", ", answers);
  }

  /** What a replay answered. */
  String got(Call call, Outcome got) {
    List<String> answers = new ArrayList<>();
    for (Field field : call.kind().outputs()) {
      answer(answers, field, got.value(field), Comparison.expected(call, field));
    }
    String reason = got.reason();
    if (reason != null) {
      // The reason of a refusal begins with the errno.
      answers.remove(String.valueOf(got.value(Field.ERRNO)));
      answers.add(reason);
    }
    return answers.isEmpty() ? "success" : String.join(", ", answers);
  }

  private void answer(
      List<String> answers, Field field, @Nullable Object value, @Nullable Object other) {
    if (value != null && field.form() == Field.Form.HANDLE) {
      answers.add("a " + field + " made");
    } else if (field == Field.ERRNO && value != null) {
      answers.add(value.toString());
    } else if (value != null) {
      answers.add(text(field, value, other));
    }
  }

  private String text(Field field, @Nullable Object value, @Nullable Object other) {
    if (value instanceof byte[] bytes) {
      return field + " " + bytes(bytes, other instanceof byte[] others ? others : null);
    }
    if (value instanceof List<?> list) {
      return field + " " + list.stream().map(Words::element).toList();
    }
    if (value instanceof Long number) {
      return field + " " + (DECIMAL.getOrDefault(field, false) ? number : hex(number));
    }
    return field + " " + value;
  }

  /** Numbers that people count in tens. */
  private static final Map<Field, Boolean> DECIMAL =
      Map.of(
          Field.RET, true,
          Field.CAP, true,
          Field.SIZE, true,
          Field.STATUS, true,
          Field.IRQ, true,
          Field.FIQ, true,
          Field.TAKEN, true);

  private static Object element(Object element) {
    return element instanceof Long number ? hex(number) : element;
  }

  private static String hex(long value) {
    return value >= 0 && value < 10 ? Long.toString(value) : "0x" + Long.toHexString(value);
  }

  private String bytes(byte[] bytes, byte @Nullable [] other) {
    switch (bytes.length) {
      case 1, 2, 4, 8 -> {
        long value = 0;
        for (int i = 0; i < bytes.length; i++) {
          int at = order == ByteOrder.BIG_ENDIAN ? i : bytes.length - 1 - i;
          value = value << 8 | bytes[at] & 0xff;
        }
        return "0x" + HexFormat.of().toHexDigits(value, 2 * bytes.length);
      }
      default -> {
        if (bytes.length <= BYTES_SHOWN) {
          return HexFormat.of().formatHex(bytes);
        }
        int from = other == null ? -1 : Arrays.mismatch(bytes, other);
        from = from < 0 || from >= bytes.length ? 0 : from;
        int to = Math.min(bytes.length, from + BYTES_SHOWN);
        String shown = HexFormat.of().formatHex(bytes, from, to);
        return "of " + bytes.length + " bytes, at " + hex(from) + ": " + shown;
      }
    }
  }
}
