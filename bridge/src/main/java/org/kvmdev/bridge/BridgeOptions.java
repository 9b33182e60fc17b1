package org.kvmdev.bridge;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How a server answers.
 *
 * @param host the name of the host that every client runs on; null for one that fits the client's
 *     architecture
 * @param run what a vCPU does that is run
 * @param log who is told each request in words, with the reason where it was refused; null for
 *     nobody
 */
public record BridgeOptions(@Nullable String host, Run run, @Nullable Consumer<String> log) {
  /** A host that fits, vCPUs that sleep, and no log. */
  public static final BridgeOptions DEFAULT = new BridgeOptions(null, Run.WAIT, null);

  /** What a vCPU does that is run: there is no CPU behind it. */
  public enum Run {
    /** It waits, as one that sleeps, until a signal or {@code immediate_exit} ends its run. */
    WAIT,
    /** It exits at once, as one whose guest has switched its machine off. */
    EXIT
  }
}
