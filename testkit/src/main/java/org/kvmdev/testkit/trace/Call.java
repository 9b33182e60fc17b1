package org.kvmdev.testkit.trace;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** One call of a recording: its inputs, and what the recorded kernel answered. */
public final class Call {
  private static final int FIELDS = Field.values().length;

  private final int line;
  private final CallKind kind;
  private final @Nullable Object[] values;

  Call(int line, CallKind kind, @Nullable Object[] values) {
    this.line = line;
    this.kind = kind;
    this.values = values;
  }

  static @Nullable Object[] noValues() {
    return new Object[FIELDS];
  }

  /**
   * Where the call stands.
   *
   * @return the line in the file, from 1
   */
  public int line() {
    return line;
  }

  /**
   * Which call it is.
   *
   * @return the kind
   */
  public CallKind kind() {
    return kind;
  }

  /**
   * Whether it has a field.
   *
   * @param field which
   * @return true where it has
   */
  public boolean has(Field field) {
    return values[field.ordinal()] != null;
  }

  /**
   * A field's value.
   *
   * @param field which
   * @return a {@link Long}, {@link String}, {@link Boolean}, {@code byte[]} or {@link List}, as its
   *     {@link Field#form()} says; null where the call does not have it
   */
  public @Nullable Object value(Field field) {
    return values[field.ordinal()];
  }

  /**
   * A number.
   *
   * @param field which; the call has it
   * @return its value, sign-extended where it was written with a sign
   */
  public long number(Field field) {
    return (Long) require(field);
  }

  /**
   * A number that may be left out.
   *
   * @param field which
   * @param otherwise what it is then
   * @return its value
   */
  public long number(Field field, long otherwise) {
    return has(field) ? number(field) : otherwise;
  }

  /**
   * A text, a handle or a pointer.
   *
   * @param field which; the call has it
   * @return its value
   */
  public String text(Field field) {
    return (String) require(field);
  }

  /**
   * Bytes.
   *
   * @param field which; the call has it
   * @return its value, not to be written to
   */
  public byte[] bytes(Field field) {
    return (byte[]) require(field);
  }

  /**
   * Numbers and handles' names.
   *
   * @param field which
   * @return {@link Long}s and {@link String}s; empty where the call does not have it
   */
  public List<?> list(Field field) {
    Object value = values[field.ordinal()];
    return value == null ? List.of() : (List<?>) value;
  }

  private Object require(Field field) {
    Object value = values[field.ordinal()];
    if (value == null) {
      throw new IllegalArgumentException("line " + line + ": " + kind + " has no " + field);
    }
    return value;
  }

  @Override
  public String toString() {
    return line + ": " + kind;
  }
}
