package org.kvmdev.runtime;

import org.jspecify.annotations.Nullable;

/**
 * One thing that kept a jar, a provider or a host from being used. The rest is not affected.
 *
 * @param jar the jar's name, or the plug-in folder's
 * @param what what is wrong
 * @param cure what to do about it
 * @param cause what was thrown; null where nothing was
 */
public record DiscoveryFault(String jar, String what, String cure, @Nullable Throwable cause) {
  /**
   * The fault in one line.
   *
   * @return the jar, what is wrong with it, and the cure
   */
  public String message() {
    return jar + ": " + what + ". " + cure;
  }

  /** {@return {@link #message()}} */
  @Override
  public String toString() {
    return message();
  }
}
