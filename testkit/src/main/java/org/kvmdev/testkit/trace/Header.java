package org.kvmdev.testkit.trace;

import java.nio.ByteOrder;

/**
 * A recording's first line: where it was made.
 *
 * @param architecture {@code arm64}, {@code powerpc}, {@code ppc64}, {@code x86_64}
 * @param byteOrder the order of data in user memory
 * @param host the recorded machine
 * @param source kernel and machine, for people
 * @param title what it shows, for people
 */
public record Header(
    String architecture, ByteOrder byteOrder, String host, String source, String title) {
  /** What the header's {@code format} says. */
  public static final String FORMAT = "kvm-device-trace";

  /** What the header's {@code version} says. */
  public static final long VERSION = 1;
}
