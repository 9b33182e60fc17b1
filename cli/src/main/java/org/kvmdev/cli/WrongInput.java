package org.kvmdev.cli;

/** What was given cannot be used; the message says why, and what there is instead. */
final class WrongInput extends RuntimeException {
  private static final long serialVersionUID = 1;

  WrongInput(String message) {
    super(message, null, false, false);
  }
}
