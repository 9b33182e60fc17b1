package org.kvmdev.bridge;

/**
 * Something that a program needs is not on this machine, or the program is not of a kind that can
 * be served. The message says what would help.
 */
public final class MissingException extends Exception {
  private static final long serialVersionUID = 1;

  /**
   * Something is missing.
   *
   * @param message what, and what to do
   */
  public MissingException(String message) {
    super(message);
  }
}
