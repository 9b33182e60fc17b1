package org.kvmdev.testkit.trace;

/**
 * A file that is no recording: its header is broken. The message says where, and what would be
 * right.
 */
public final class TraceException extends Exception {
  private static final long serialVersionUID = 1;

  TraceException(String message) {
    super(message);
  }
}
