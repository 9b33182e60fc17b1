package org.kvmdev.bridge;

import java.io.IOException;

/** A message that no client sends: the connection is given up. */
final class ProtocolException extends IOException {
  private static final long serialVersionUID = 1;

  ProtocolException(String message) {
    super(message);
  }
}
