package org.kvmdev.testkit.replay;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.testkit.trace.Field;

/** What a replayed call answered; one object serves a whole replay. */
final class Outcome {
  /** What stands for a handle: its name is no fact, only that one was made. */
  static final String MADE = "made";

  private static final Long FAILED = -1L;

  private final @Nullable Object[] values = new Object[Field.values().length];
  private @Nullable Throwable refusal;

  void clear() {
    Arrays.fill(values, null);
    refusal = null;
  }

  void set(Field field, Object value) {
    values[field.ordinal()] = value;
  }

  @Nullable Object value(Field field) {
    return values[field.ordinal()];
  }

  /** The call was refused; a buffer that it left is still an output. */
  void refused(KvmException why) {
    Object buffer = value(Field.OUT);
    clear();
    if (buffer != null) {
      set(Field.OUT, buffer);
    }
    refusal = why;
    set(Field.RET, FAILED);
    set(Field.ERRNO, why.errno().name());
  }

  /** The call could not be made; no recording has this. */
  void failed(Throwable why) {
    refusal = why;
  }

  /** The call cannot be made as the recording has it. */
  void impossible(Errno errno, String message) {
    refused(KvmException.constant(errno, message.replace("%", "%%")));
  }

  /** Why the call did not succeed, for people; null where it did. */
  @Nullable String reason() {
    Throwable why = refusal;
    if (why == null) {
      return null;
    }
    if (why instanceof KvmException) {
      return why.getMessage();
    }
    StackTraceElement[] trace = why.getStackTrace();
    return why + (trace.length == 0 ? "" : " at " + trace[0]);
  }
}
