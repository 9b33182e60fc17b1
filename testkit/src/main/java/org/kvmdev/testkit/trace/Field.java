package org.kvmdev.testkit.trace;

import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The fields of a call, by the names that a recording has for them. */
public enum Field {
  /** Bytes at a pointer that is no data: {@code null} or {@code bad}. */
  ADDR(Form.POINTER),
  /** A message's doorbell. */
  ADDRESS(Form.NUMBER),
  /** A raw request's argument. */
  ARG(Form.NUMBER),
  /** Arguments of a capability or a hypercall; a handle's name stands for its file descriptor. */
  ARGS(Form.NUMBERS),
  /** What a hypercall returns beside its result. */
  ARGS_OUT(Form.NUMBERS),
  /** An attribute's number, or what its group encodes in it. */
  ATTR(Form.NUMBER),
  /** Guest memory. */
  BYTES(Form.BYTES),
  /** A capability. */
  CAP(Form.NUMBER),
  /** A message's data. */
  DATA(Form.NUMBER),
  /** A device. */
  DEV(Form.HANDLE),
  /** A message's device id. */
  DEVID(Form.NUMBER),
  /** A routing table. */
  ENTRIES(Form.ROUTES),
  /** The vector of an interrupt that was taken. */
  EPR(Form.NUMBER),
  /** The symbol of what a call failed with. */
  ERRNO(Form.TEXT),
  /** How a guest's action left for user space: {@code mmio}, {@code hcall} or {@code error}. */
  EXIT(Form.TEXT),
  /** What is closed. */
  FD(Form.HANDLE),
  /** The fast interrupt line into a CPU. */
  FIQ(Form.NUMBER),
  /** Flags. */
  FLAGS(Form.NUMBER),
  /** A guest physical address. */
  GPA(Form.NUMBER),
  /** An attribute's group. */
  GROUP(Form.NUMBER),
  /** An id: a vCPU's, a register's, an address's. */
  ID(Form.NUMBER),
  /** What a buffer held before the call. */
  IN(Form.BYTES),
  /** A line's number; of a guest, the interrupt line into its CPU. */
  IRQ(Form.NUMBER),
  /** A line's level. */
  LEVEL(Form.NUMBER),
  /** A service's name. */
  NAME(Form.TEXT),
  /** A hypercall's number. */
  NR(Form.NUMBER),
  /** What a raw request is made on. */
  ON(Form.HANDLE),
  /** What a buffer holds after the call. */
  OUT(Form.BYTES),
  /** A system register's name. */
  REG(Form.TEXT),
  /** An encoded request number. */
  REQUEST(Form.NUMBER),
  /** What the call returned. */
  RET(Form.NUMBER),
  /** Bytes of an access or of a memory slot. */
  SIZE(Form.NUMBER),
  /** A memory slot. */
  SLOT(Form.NUMBER),
  /** What was written back into a line's number. */
  STATUS(Form.NUMBER),
  /** Whether a CPU took its interrupt. */
  TAKEN(Form.NUMBER),
  /** A service's token. */
  TOKEN(Form.NUMBER),
  /** A VM's or a device's type. */
  TYPE(Form.NUMBER),
  /** That a register trapped as undefined. */
  UNDEF(Form.FLAG),
  /** What is read or written. */
  VALUE(Form.NUMBER),
  /** A vCPU. */
  VCPU(Form.HANDLE),
  /** A VM. */
  VM(Form.HANDLE),
  /** A remark for people. */
  WHY(Form.TEXT);

  private static final Map<String, Field> BY_NAME =
      Stream.of(values()).collect(Collectors.toMap(Field::wireName, Function.identity()));

  private final Form form;
  private final String wireName = name().toLowerCase(Locale.ROOT);

  Field(Form form) {
    this.form = form;
  }

  /**
   * The name in a recording.
   *
   * @return {@code args_out}
   */
  public String wireName() {
    return wireName;
  }

  /**
   * How its value is written.
   *
   * @return the form
   */
  public Form form() {
    return form;
  }

  /**
   * The field of a name.
   *
   * @param name as a recording has it
   * @return the field, or null
   */
  static @Nullable Field named(String name) {
    return BY_NAME.get(name);
  }

  @Override
  public String toString() {
    return wireName;
  }

  /** How a field's value is written in a recording. */
  public enum Form {
    /** A JSON number, or a string {@code "0x…"} of at most 64 bits. */
    NUMBER("a number, or a string \"0x…\" of at most 16 digits"),
    /** An array of numbers and of handles' names. */
    NUMBERS("an array of numbers and of handles' names"),
    /** Lower-case hexadecimal digits, two a byte. */
    BYTES("a string of lower-case hexadecimal digits, two a byte"),
    /** A name made up by the recording. */
    HANDLE("a string, a handle's name"),
    /** A string. */
    TEXT("a string"),
    /** True or false. */
    FLAG("true or false"),
    /** {@code "null"} or {@code "bad"}. */
    POINTER("\"null\" or \"bad\""),
    /** An array of routes. */
    ROUTES(
        "an array of objects, each with gsi, type, flags and irqchip, pin or address, data, devid");

    private final String words;

    Form(String words) {
      this.words = words;
    }

    /**
     * The form, for people.
     *
     * @return how such a value is written
     */
    public String words() {
      return words;
    }
  }
}
