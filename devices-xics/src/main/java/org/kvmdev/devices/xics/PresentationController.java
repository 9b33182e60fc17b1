package org.kvmdev.devices.xics;

import java.util.Arrays;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.DeviceLock;
import org.kvmdev.api.machine.Vcpu;

/**
 * An interrupt presentation controller (ICP): what one server presents to its vCPU. Priorities are
 * more favoured the lower they are.
 *
 * <p>It is its own lock, which guards its registers, which sources wait for it, and the state of
 * every source that is sent to it. No thread holds the locks of two servers: an interrupt that is
 * displaced is delivered anew, from its own state.
 *
 * <p>A source waits after a delivery that was not taken. All that wait are tried again when the
 * server takes more than before (H_CPPR, H_EOI, H_IPI, a write of its register). Linux tries every
 * waiting source of each source controller that ever held one for this server, in the order of
 * their numbers, those of other servers too. What comes out is nearly always that the most favoured
 * of this server's own is presented, which is found without looking at the others ({@link
 * #resendOwn}). The rest is tried one by one ({@link Xics#resend}).
 */
class PresentationController extends DeviceLock {
  /** What XISR names for an inter-processor interrupt. */
  static final int IPI = 2;

  /** The priority of nothing. */
  private static final int LEAST_FAVOURED = 0xff;

  private static final KvmException NOTHING_HAS_NO_PRIORITY =
      KvmException.constant(
          Errno.EINVAL,
          "an ICP state that presents nothing (XISR 0) has a pending priority of 0xff");
  private static final KvmException IPI_IS_NOT_PENDING =
      KvmException.constant(
          Errno.EINVAL,
          "an ICP state that presents an inter-processor interrupt (XISR 2) has MFRR for its"
              + " pending priority, more favoured than CPPR");
  private static final KvmException SOURCE_IS_NOT_PENDING =
      KvmException.constant(
          Errno.EINVAL,
          "an ICP state that presents a source has a pending priority more favoured than CPPR and"
              + " MFRR");

  private final Xics xics;
  private final Vcpu vcpu;
  private final int number;

  private final WaitingSources waiting = new WaitingSources();

  /** Source controllers of which a source waited that was taken elsewhere since the last resend. */
  private final long[] former = new long[Sources.END / SourceController.SIZE / Long.SIZE];

  private boolean anyFormer;

  /** A source waits that would be taken; nobody has told it so. */
  private boolean unsettled;

  private boolean connected = true;
  private int cppr;
  private int xisr;
  private int mfrr = LEAST_FAVOURED;
  private int pendingPriority = LEAST_FAVOURED;

  PresentationController(Xics xics, Vcpu vcpu, int number) {
    this.xics = xics;
    this.vcpu = vcpu;
    this.number = number;
  }

  /** The server's number. */
  int number() {
    return number;
  }

  Vcpu vcpu() {
    return vcpu;
  }

  /** Ends it. What is delivered to it from now on goes nowhere. */
  void disconnect() {
    lock();
    connected = false;
    unlock();
  }

  // What the vCPU does.

  /** Accepts the presented interrupt (H_XIRR); answers CPPR and XISR as they were. */
  int accept() {
    lock();
    try {
      // The pin is a latch, and this is what clears it; nothing that is accepted raises it again.
      vcpu.pin(0, false);
      int xirr = cppr << 24 | xisr;
      if (xisr != 0) {
        boolean lessFavoured = pendingPriority > cppr;
        cppr = pendingPriority;
        pendingPriority = LEAST_FAVOURED;
        xisr = 0;
        if (lessFavoured) {
          settle();
        }
      }
      return xirr;
    } finally {
      unlock();
    }
  }

  /**
   * Ends an interrupt (H_EOI): restores CPPR, then tells the source.
   *
   * @return whether the source is in a controller
   */
  boolean end(int newCppr, int source) {
    lock();
    lowerPriorityAndResend(newCppr);
    if (source == IPI) {
      unlock();
      return true;
    }
    return xics.end(source, this);
  }

  /**
   * Sets CPPR (H_CPPR).
   *
   * @param value its low 8 bits are kept, but all 64 are compared
   */
  void setCppr(long value) {
    lock();
    int order = Long.compareUnsigned(value, cppr);
    if (order == 0) {
      unlock();
      return;
    }
    if (order > 0) {
      lowerPriorityAndResend((int) value & 0xff);
    }
    // Linux goes on here for a less favoured CPPR too, which so clears the pin.
    int rejected = 0;
    try {
      vcpu.pin(0, false);
      cppr = (int) value & 0xff;
      if (Long.compareUnsigned(value, pendingPriority) <= 0) {
        rejected = xisr;
        xisr = 0;
        pendingPriority = LEAST_FAVOURED;
      }
      drivePin();
    } catch (RuntimeException | Error fault) {
      unlock();
      throw fault;
    }
    xics.deliver(rejected == IPI ? 0 : rejected, this);
  }

  /**
   * Sets MFRR (H_IPI): requests an inter-processor interrupt, or withdraws the request.
   *
   * @param value its low 8 bits are kept, but all 64 are compared
   */
  void setMfrr(long value) {
    int elsewhere = 0;
    boolean resend;
    boolean settled = true;
    lock();
    try {
      boolean withdraws = Long.compareUnsigned(value, mfrr) > 0;
      mfrr = (int) value & 0xff;
      int rejected = 0;
      if (Long.compareUnsigned(value, cppr) < 0
          && Long.compareUnsigned(value, pendingPriority) <= 0) {
        rejected = xisr;
        presentIpi();
      }
      resend = withdraws && needsResend();
      drivePin();
      if (rejected != 0 && rejected != IPI && !takeBack(rejected)) {
        elsewhere = rejected;
      } else if (resend) {
        settled = resendOwn();
      }
    } finally {
      unlock();
    }
    if (elsewhere != 0) {
      xics.deliver(elsewhere);
      settled = !resend;
    }
    if (!settled) {
      xics.resend(this);
    }
  }

  /** CPPR and XISR, and above them MFRR, in bits 39:32 (H_IPOLL). */
  long poll() {
    lock();
    long state = (long) mfrr << 32 | (cppr << 24 | xisr) & 0xffff_ffffL;
    unlock();
    return state;
  }

  // What users see.

  /** The register KVM_REG_PPC_ICP_STATE. */
  long register() {
    lock();
    long value =
        PresentationField.CPPR.in(cppr)
            | PresentationField.XISR.in(xisr)
            | PresentationField.MFRR.in(mfrr)
            | PresentationField.PENDING_PRIORITY.in(pendingPriority);
    unlock();
    return value;
  }

  /**
   * Writes the register. What it presented before is not delivered anew: users set the sources to
   * match.
   *
   * @throws KvmException EINVAL where the fields do not fit together, or XISR names a source that
   *     no controller has
   */
  void setRegister(long value) throws KvmException {
    int newCppr = PresentationField.CPPR.of(value);
    int newXisr = PresentationField.XISR.of(value);
    int newMfrr = PresentationField.MFRR.of(value);
    int newPriority = PresentationField.PENDING_PRIORITY.of(value);
    if (newXisr == 0) {
      if (newPriority != LEAST_FAVOURED) {
        throw NOTHING_HAS_NO_PRIORITY;
      }
    } else if (newXisr == IPI) {
      if (newPriority != newMfrr || newPriority >= newCppr) {
        throw IPI_IS_NOT_PENDING;
      }
    } else {
      if (newPriority >= newMfrr || newPriority >= newCppr) {
        throw SOURCE_IS_NOT_PENDING;
      }
      if (xics.sources().find(newXisr) == null) {
        throw new KvmException(
            Errno.EINVAL,
            "an ICP state presents source %#x: no source of its block of 1024 was ever set",
            newXisr);
      }
    }
    boolean settled = true;
    lock();
    try {
      vcpu.pin(0, false);
      boolean resend = newMfrr > mfrr && needsResend();
      cppr = newCppr;
      xisr = newXisr;
      mfrr = newMfrr;
      pendingPriority = newPriority;
      drivePin();
      if (resend) {
        settled = resendOwn();
      } else {
        settle();
      }
    } finally {
      unlock();
    }
    if (!settled) {
      xics.resend(this);
    }
  }

  // What sources do. The lock is held.

  /**
   * Takes an interrupt of a source that is sent here, or lets it wait.
   *
   * @return the source that it displaces, or 0
   */
  int offer(SourceController controller, int source) {
    if (!connected) {
      return 0;
    }
    long state = controller.state(source);
    int priority = SourceState.priority(state);
    if (priority < limit()) {
      leave(source, priority);
      int displaced = xisr;
      xisr = source;
      pendingPriority = priority;
      drivePin();
      return displaced == IPI ? 0 : displaced;
    }
    if (priority == SourceState.MASKED) {
      controller.set(source, state | SourceState.MASKED_PENDING);
    } else {
      waiting.add(source, priority);
      drivePin();
    }
    return 0;
  }

  /** Whether a source that is sent here waits. */
  boolean isWaiting(int source, int priority) {
    return !waiting.isEmpty() && waiting.contains(source, priority);
  }

  /** Lets a source not wait any more; answers whether it did. */
  boolean leave(int source, int priority) {
    if (waiting.isEmpty() || !waiting.remove(source, priority)) {
      return false;
    }
    int controller = source >>> SourceController.SHIFT;
    former[controller >>> 6] |= 1L << controller;
    anyFormer = true;
    return true;
  }

  /** Lets a source not wait any more, since this server's own resend has come to it. */
  boolean leaveInTurn(int source, int priority) {
    return waiting.remove(source, priority);
  }

  // Resending. The lock is held.

  /** Whether there may be a source to send again. */
  private boolean needsResend() {
    return !waiting.isEmpty() || anyFormer;
  }

  /**
   * Sends again what waits, if that concerns nobody but this server: then the most favoured source
   * is presented, of equals the one with the lowest number, and what it displaces waits.
   *
   * @return false where the sources must be tried one by one, with no lock held
   */
  private boolean resendOwn() {
    if (!needsResend()) {
      return true;
    }
    if (xics.anyUnsettled(unsettled)) {
      return false;
    }
    int priority = waiting.firstPriority();
    if (priority < limit()) {
      int displaced = xisr == IPI ? 0 : xisr;
      SourceController controller = displaced == 0 ? null : xics.sources().find(displaced);
      if (controller != null) {
        long state = controller.state(displaced);
        // Sent elsewhere meanwhile, or made as favoured as what displaces it: it may come back.
        if (SourceState.server(state) != number || SourceState.priority(state) <= priority) {
          return false;
        }
      }
      xisr = waiting.removeFirst();
      pendingPriority = priority;
      drivePin();
      if (controller != null) {
        offer(controller, displaced);
      }
    }
    if (anyFormer) {
      Arrays.fill(former, 0);
      anyFormer = false;
    }
    if (unsettled) {
      settle();
    }
    return true;
  }

  /** Begins to send again what waits of a source controller; answers whether anything may. */
  boolean beginResend(int controller) {
    long bit = 1L << controller;
    boolean visit = (former[controller >>> 6] & bit) != 0 || waiting.hasController(controller);
    former[controller >>> 6] &= ~bit;
    anyFormer = false;
    for (long word : former) {
      anyFormer |= word != 0;
    }
    return visit;
  }

  /** Notes whether a source waits that would be taken. */
  void settle() {
    boolean now = waiting.firstPriority() < limit();
    if (now != unsettled) {
      unsettled = now;
      xics.countUnsettled(now ? 1 : -1);
    }
  }

  // The lock is held.

  /** What a priority must be more favoured than to be presented. */
  private int limit() {
    return Math.min(Math.min(cppr, mfrr), pendingPriority);
  }

  /** Sets CPPR for what was accepted before, and sends again what waits. */
  private void lowerPriorityAndResend(int newCppr) {
    boolean settled;
    try {
      cppr = newCppr;
      if (mfrr < newCppr && mfrr <= pendingPriority) {
        presentIpi();
      }
      drivePin();
      settled = resendOwn();
    } catch (RuntimeException | Error fault) {
      unlock();
      throw fault;
    }
    if (!settled) {
      unlock();
      xics.resend(this);
      lock();
    }
  }

  /** Lets a source wait that an inter-processor interrupt displaced, if it is still sent here. */
  private boolean takeBack(int source) {
    SourceController controller = xics.sources().find(source);
    if (controller == null || SourceState.server(controller.state(source)) != number) {
      return false;
    }
    offer(controller, source);
    return true;
  }

  private void presentIpi() {
    pendingPriority = mfrr;
    xisr = IPI;
  }

  /** Raises the pin if something is presented; only the vCPU's own calls lower it. */
  private void drivePin() {
    if (xisr != 0 && pendingPriority < cppr) {
      vcpu.pin(0, true);
    }
  }
}
