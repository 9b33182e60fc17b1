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
 * @param recorder who writes down what one program is answered; null for nobody
 * @param ownKvm whether the machine's own KVM answers, instead of kvmdev
 */
public record BridgeOptions(
    @Nullable String host,
    Run run,
    @Nullable Consumer<String> log,
    @Nullable CallSummary summary,
    @Nullable Recorder recorder,
    boolean ownKvm) {
  /** A host that fits, vCPUs that sleep, and no log. */
  public static final BridgeOptions DEFAULT = new BridgeOptions(null, Run.WAIT, null);

  /**
   * For a program that kvmdev answers.
   *
   * @param host the name of the host that every client runs on; null for one that fits
   * @param run what a vCPU does that is run
   * @param log who is told each request in words; null for nobody
   */
  public BridgeOptions(@Nullable String host, Run run, @Nullable Consumer<String> log) {
    this(host, run, log, null, null, false);
  }

  /**
   * For a program that the machine's own KVM answers, and that is recorded.
   *
   * @param recorder writes the recording
   * @return the options
   */
  public static BridgeOptions recording(Recorder recorder) {
    return new BridgeOptions(null, Run.WAIT, null, null, recorder, true);
  }

  /**
   * The same, with the requests counted.
   *
   * @param counts who counts them
   * @return the options
   */
  public BridgeOptions with(CallSummary counts) {
    return new BridgeOptions(host, run, log, counts, recorder, ownKvm);
  }

  /**
   * The same, with one program's calls and their answers written down.
   *
   * @param writer writes the recording
   * @return the options
   */
  public BridgeOptions with(Recorder writer) {
    return new BridgeOptions(host, run, log, summary, writer, ownKvm);
  }

  /** What a vCPU does that is run: there is no CPU behind it. */
  public enum Run {
    /** It waits, as one that sleeps, until a signal or {@code immediate_exit} ends its run. */
    WAIT,
    /** It exits at once, as one whose guest has switched its machine off. */
    EXIT
  }
}
