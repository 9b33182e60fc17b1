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
 * @param summary who counts the requests; null for nobody
 * @param recorder who writes down what the machine's own KVM answers, which the program then uses;
 *     null for a program that kvmdev answers
 */
public record BridgeOptions(
    @Nullable String host,
    Run run,
    @Nullable Consumer<String> log,
    @Nullable CallSummary summary,
    @Nullable Recorder recorder) {
  /** A host that fits, vCPUs that sleep, and no log. */
  public static final BridgeOptions DEFAULT = new BridgeOptions(null, Run.WAIT, null, null, null);

  /**
   * For a program that kvmdev answers.
   *
   * @param host the name of the host that every client runs on; null for one that fits
   * @param run what a vCPU does that is run
   * @param log who is told each request in words; null for nobody
   */
  public BridgeOptions(@Nullable String host, Run run, @Nullable Consumer<String> log) {
    this(host, run, log, null, null);
  }

  /**
   * For a program that the machine's own KVM answers, and that is recorded.
   *
   * @param recorder writes the recording
   * @return the options
   */
  public static BridgeOptions recording(Recorder recorder) {
    return new BridgeOptions(null, Run.WAIT, null, null, recorder);
  }

  /**
   * The same, with the requests counted.
   *
   * @param counts who counts them; null for nobody
   * @return the options
   */
  public BridgeOptions with(@Nullable CallSummary counts) {
    return new BridgeOptions(host, run, log, counts, recorder);
  }

  /** What a vCPU does that is run: there is no CPU behind it. */
  public enum Run {
    /** It waits, as one that sleeps, until a signal or {@code immediate_exit} ends its run. */
    WAIT,
    /** It exits at once, as one whose guest has switched its machine off. */
    EXIT
  }
}
