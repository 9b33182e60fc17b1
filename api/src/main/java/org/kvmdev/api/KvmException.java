package org.kvmdev.api;

/**
 * A refused call: an {@link Errno}, and a message that says what was wrong and what would be right.
 *
 * <p>Clients probe a KVM by being refused, so a refusal costs no more than a success: there is no
 * stack trace, and the text is built only when somebody asks for it. A refusal without numbers in
 * its text should be a constant ({@link #constant}); one with numbers is made where it is thrown
 * and carries at most two of them.
 *
 * @serial exclude
 */
public final class KvmException extends Exception {
  private static final long serialVersionUID = 1;

  private final Errno errno;
  private final String format;
  private final long first;
  private final long second;

  /**
   * A refusal whose text has up to two numbers in it.
   *
   * @param errno what the call fails with
   * @param format the text, in the manner of {@link String#format}, with conversions of {@code
   *     long} values: {@code %d}, {@code %x}, {@code %#x}
   * @param first the first number of the text
   * @param second the second number of the text
   */
  public KvmException(Errno errno, String format, long first, long second) {
    super(null, null, false, false);
    this.errno = errno;
    this.format = format;
    this.first = first;
    this.second = second;
  }

  /**
   * A refusal whose text has one number in it.
   *
   * @param errno what the call fails with
   * @param format the text, with one conversion of a {@code long}
   * @param first the number of the text
   */
  public KvmException(Errno errno, String format, long first) {
    this(errno, format, first, 0);
  }

  /**
   * A refusal with a fixed text, to be kept in a constant and thrown again and again.
   *
   * @param errno what the call fails with
   * @param message the text; a percent sign in it is written {@code %%}
   * @return the refusal
   */
  public static KvmException constant(Errno errno, String message) {
    return new KvmException(errno, message, 0, 0);
  }

  /**
   * What the call fails with.
   *
   * @return the errno
   */
  public Errno errno() {
    return errno;
  }

  /** {@return what was wrong and what would be right, after the errno's name} */
  @Override
  public String getMessage() {
    return errno + ": " + String.format(format, first, second);
  }
}
