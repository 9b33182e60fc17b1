package org.kvmdev.testkit.trace;

import java.util.List;

/**
 * A recording: what a client asked of a KVM, and what that KVM answered.
 *
 * @param name the file's name, for messages
 * @param header its first line
 * @param calls its calls, in the order made
 * @param broken its lines that are no calls
 */
public record Trace(String name, Header header, List<Call> calls, List<BrokenLine> broken) {
  /** Copies the lists. */
  public Trace {
    calls = List.copyOf(calls);
    broken = List.copyOf(broken);
  }
}
