package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;

/**
 * The virtual CPU interface of a GICv2 (GICV_*), as its guest's loads and stores meet it: IHI
 * 0048B, chapter 5.5. What the manual leaves to implementations is as on the recorded host.
 */
final class VirtualCpuInterfaceV2 extends VirtualCpuInterface {
  /** The running priority when nothing runs. */
  private static final int IDLE = 0x100;

  /** GICV_CTLR.AckCtl: IAR also acknowledges interrupts of group 1. */
  boolean acknowledgesGroup1;

  /** GICV_CTLR.FIQEn: interrupts of group 0 are signalled as FIQ. */
  boolean fiqEnabled;

  /** GICH_APR: a bit for each preemption level that is active. */
  int activePriorities;

  private int runningPriority = IDLE;

  VirtualCpuInterfaceV2(int listRegisters) {
    super(listRegisters);
  }

  @Override
  void reset() {
    super.reset();
    acknowledgesGroup1 = false;
    fiqEnabled = false;
  }

  @Override
  void load() {
    super.load();
    priorityMask &= 0xf8;
    runningPriority = activePriority();
  }

  private int activePriority() {
    return activePriorities == 0
        ? IDLE
        : Integer.numberOfTrailingZeros(activePriorities) << (MIN_BINARY_POINT + 1);
  }

  /** The list register of the highest priority pending interrupt that the mask lets through. */
  private @Nullable ListRegister highestPending() {
    if (!group0Enabled && !group1Enabled) {
      return null;
    }
    ListRegister best = null;
    int priority = priorityMask;
    for (int i = 0; i < used; i++) {
      ListRegister register = registers[i];
      if (register.isPendingOnly() && register.priority < priority) {
        best = register;
        priority = register.priority;
      }
    }
    return best;
  }

  @Override
  int signals() {
    ListRegister best = highestPending();
    return best == null ? 0 : signalFor(best.priority, best.group1);
  }

  @Override
  int signalFor(int priority, boolean group1) {
    if (priority >= priorityMask
        || priority >= runningPriority
        || !(group1 ? group1Enabled : group0Enabled)) {
      return 0;
    }
    return !group1 && fiqEnabled ? FIQ : IRQ;
  }

  /** GICV_IAR. */
  int acknowledge() {
    ListRegister best = highestPending();
    if (best == null) {
      return SPURIOUS;
    }
    if (best.group1 && !acknowledgesGroup1) {
      return SPURIOUS - 1;
    }
    if (best.priority >= runningPriority) {
      return SPURIOUS;
    }
    int point = best.group1 && !commonBinaryPoint ? binaryPoint1 - 1 : binaryPoint0;
    runningPriority = best.priority & groupPriorityMask(point);
    activePriorities |= 1 << (runningPriority >> (MIN_BINARY_POINT + 1));
    best.pending = false;
    best.active = true;
    return best.intid < Interrupt.SGIS ? best.intid | best.source << 10 : best.intid;
  }

  /** GICV_HPPIR. */
  int highestPendingIntid() {
    ListRegister best = highestPending();
    if (best == null) {
      return SPURIOUS;
    }
    return best.group1 && !acknowledgesGroup1 ? SPURIOUS - 1 : best.intid;
  }

  /** GICV_RPR. */
  int runningPriority() {
    return Math.min(runningPriority, 0xff);
  }

  /** GICV_EOIR: drops the running priority, and deactivates unless that is split off. */
  void end(int intid) {
    if (intid >= SPECIAL) {
      return;
    }
    activePriorities &= activePriorities - 1;
    runningPriority = activePriority();
    if (!eoiMode) {
      deactivateValid(intid);
    }
  }

  /** GICV_DIR. */
  void deactivate(int intid) {
    if (intid < SPECIAL && eoiMode) {
      deactivateValid(intid);
    }
  }

  private void deactivateValid(int intid) {
    for (int i = 0; i < used; i++) {
      ListRegister register = registers[i];
      if (register.intid == intid && !register.isInvalid()) {
        register.active = false;
        return;
      }
    }
  }

  /** GICV_APR0, written. */
  void activePriorities(int value) {
    activePriorities = value;
    runningPriority = activePriority();
  }
}
