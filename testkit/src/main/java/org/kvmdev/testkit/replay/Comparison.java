package org.kvmdev.testkit.replay;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.testkit.trace.Call;
import org.kvmdev.testkit.trace.CallKind;
import org.kvmdev.testkit.trace.Field;

/**
 * Compares what a recording says with what a replay answered: every output, and whether it is there
 * at all. What one kernel says in two ways is brought into one first.
 */
final class Comparison {
  private static final Long FAILED = -1L;
  private static final Long SUCCEEDED = 0L;
  private static final String INTERRUPTED = Errno.EINTR.name();

  private Comparison() {}

  /** Whether all outputs are equal. */
  static boolean equal(Call expected, Outcome got) {
    for (Field field : expected.kind().outputs()) {
      if (!equal(expected, field, got)) {
        return false;
      }
    }
    return true;
  }

  /** Whether one output is equal. */
  static boolean equal(Call call, Field field, Outcome got) {
    Object expected = expected(call, field);
    Object answered = got.value(field);
    if (expected == null && field == Field.RET && SUCCEEDED.equals(answered)) {
      return true; // A call without ret and errno succeeded.
    }
    if (expected == null || answered == null) {
      return expected == answered;
    }
    return switch (field.form()) {
      case NUMBER -> {
        long mask = mask(call, field);
        yield ((Long) expected & mask) == ((Long) answered & mask);
      }
      case BYTES -> Arrays.equals((byte[]) expected, (byte[]) answered);
      default -> expected.equals(answered);
    };
  }

  /** What the recording expects of an output; null where it must not be there. */
  static @Nullable Object expected(Call call, Field field) {
    Object value = call.value(field);
    CallKind kind = call.kind();
    return switch (field) {
      case RET -> {
        // A failed run is told as ret -1, or as exit "error".
        if (value == null && call.has(Field.ERRNO)) {
          value = FAILED;
        }
        yield isInterruptedRun(call) ? SUCCEEDED : value;
      }
      case ERRNO -> isInterruptedRun(call) ? null : value;
      case EXIT -> "error".equals(value) ? null : value;
      case UNDEF -> value instanceof Boolean undefined && undefined ? value : null;
      case VM, VCPU, DEV -> kind.takes(field) || value == null ? null : Outcome.MADE;
      default -> kind.takes(field) ? null : value;
    };
  }

  /** No CPU is behind a replayed KVM_RUN: its checks pass or fail, and that is all. */
  private static boolean isInterruptedRun(Call call) {
    return call.kind() == CallKind.KVM_RUN
        && call.has(Field.ERRNO)
        && call.text(Field.ERRNO).equals(INTERRUPTED);
  }

  /** The bits of a number that are compared: a recording may write it with or without sign. */
  private static long mask(Call call, Field field) {
    return switch (field) {
      case VALUE -> call.has(Field.SIZE) ? mask(call.number(Field.SIZE)) : -1;
      case RET -> call.kind() == CallKind.GUEST_HCALL ? -1 : mask(Integer.BYTES);
      default -> mask(Integer.BYTES);
    };
  }

  private static long mask(long bytes) {
    return bytes >= Long.BYTES || bytes <= 0 ? -1 : (1L << 8 * bytes) - 1;
  }
}
