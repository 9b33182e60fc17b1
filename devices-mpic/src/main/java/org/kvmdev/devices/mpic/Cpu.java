package org.kvmdev.devices.mpic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.machine.Vcpu;

/**
 * One CPU as an interrupt destination: its task priority, the interrupts that are raised at it and
 * those that it has in service, and its int output, which is the vCPU's pin.
 *
 * <p>The two highest priorities are kept as they were when the controller last looked, and CTPR is
 * compared with these, as KVM does: an acknowledged edge, say, still counts there.
 */
final class Cpu {
  /** How many CPUs the controller has registers for. */
  static final int COUNT = 32;

  /** The number that a source that was never in service has; also: nothing was in service. */
  static final int NONE = -1;

  private static final int INT_PIN = 0;
  private static final int TASK_PRIORITY = 0xf;

  final int number;
  final InterruptQueue raised = new InterruptQueue();
  final InterruptQueue inService = new InterruptQueue();
  private final Mpic mpic;

  private @Nullable Vcpu vcpu;
  private int taskPriority;
  private int raisedPriority;
  private int servicePriority;
  private int proxyVector;

  Cpu(Mpic mpic, int number) {
    this.mpic = mpic;
    this.number = number;
  }

  /** GCR[RST]. A pin that is asserted stays so. */
  void reset() {
    taskPriority = TASK_PRIORITY;
    raised.clear();
    inService.clear();
    raisedPriority = 0;
    servicePriority = 0;
  }

  @Nullable Vcpu vcpu() {
    return vcpu;
  }

  void connect(Vcpu connected) {
    vcpu = connected;
  }

  int taskPriority() {
    return taskPriority;
  }

  /** CTPR. */
  void setTaskPriority(int value) {
    taskPriority = value & TASK_PRIORITY;
    if (raisedPriority <= taskPriority) {
      output(false);
    } else if (raisedPriority > servicePriority) {
      output(true);
    }
  }

  /** A source raises its interrupt here, or withdraws it. */
  void signal(Source source, boolean active) {
    int priority = source.priority();
    if (active) {
      raised.add(source.number, priority);
    } else {
      raised.remove(source.number, priority);
    }
    raisedPriority = raised.priority();
    servicePriority = inService.priority();
    if (active && priority > taskPriority) {
      if (priority > servicePriority) {
        output(true);
      }
    } else if (raisedPriority <= taskPriority || raisedPriority <= servicePriority) {
      output(false);
    }
  }

  /**
   * IACK: takes the raised interrupt of the highest priority into service, whatever is in service
   * already.
   *
   * @return its vector; the spurious one where none is above the task priority
   */
  int acknowledge() {
    output(false);
    int priority = raised.priority();
    raisedPriority = priority;
    if (priority == InterruptQueue.EMPTY) {
      return mpic.spuriousVector();
    }
    Source source = mpic.source(raised.first());
    int vector;
    if (source.isActive() && priority > taskPriority) {
      inService.add(source.number, priority);
      vector = source.vector();
    } else {
      source.update();
      vector = mpic.spuriousVector();
    }
    if (!source.isLevel()) {
      source.edgeTaken();
      raised.remove(source.number, priority);
    }
    if (source.kind == Source.Kind.INTERPROCESSOR) {
      source.dispatchedTo(number);
    }
    return vector;
  }

  /**
   * EOI: ends the interrupt of the highest priority in service. What is raised above the rest is
   * signalled, without a look at the task priority.
   *
   * @return the source that was ended, or {@link #NONE}
   */
  int endOfInterrupt() {
    servicePriority = inService.priority();
    if (servicePriority == InterruptQueue.EMPTY) {
      return NONE;
    }
    int ended = inService.first();
    inService.remove(ended, servicePriority);
    servicePriority = inService.priority();
    raisedPriority = raised.priority();
    if (raisedPriority > servicePriority) {
      output(true);
    }
    return ended;
  }

  /** In external proxy mode the CPU's taking the interrupt acknowledges it. */
  void proxy() {
    proxyVector = acknowledge();
  }

  /** What the last {@link #proxy} handed over: the vCPU's EPR. */
  int proxyVector() {
    return proxyVector;
  }

  private void output(boolean asserted) {
    Vcpu connected = vcpu;
    if (connected != null) {
      connected.pin(INT_PIN, asserted);
    }
  }
}
