package org.kvmdev.devices.vgic;

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

  /** Of those that the mask lets through. */
  @Override
  int highestPending() {
    int best = -1;
    if (group0Enabled || group1Enabled) {
      int priority = priorityMask;
      for (int i = 0; i < used; i++) {
        long register = registers[i];
        if (ListRegister.isPendingOnly(register) && ListRegister.priority(register) < priority) {
          best = i;
          priority = ListRegister.priority(register);
        }
      }
    }
    return best;
  }

  @Override
  boolean isCandidate(long register) {
    return (group0Enabled || group1Enabled) && ListRegister.priority(register) < priorityMask;
  }

  @Override
  int signalFor(int priority, boolean group1) {
    return priority < priorityMask && priority < runningPriority ? signalFor(group1) : 0;
  }

  private int signalFor(boolean group1) {
    return group1 ? group1Enabled ? IRQ : 0 : group0Enabled ? fiqEnabled ? FIQ : IRQ : 0;
  }

  /** GICV_IAR. */
  int acknowledge() {
    int best = highest();
    if (best < 0) {
      return SPURIOUS;
    }
    long register = registers[best];
    boolean group1 = ListRegister.isGroup1(register);
    if (group1 && !acknowledgesGroup1) {
      return SPURIOUS - 1;
    }
    int priority = ListRegister.priority(register);
    if (priority >= runningPriority) {
      return SPURIOUS;
    }
    int point = group1 && !commonBinaryPoint ? binaryPoint1 - 1 : binaryPoint0;
    runningPriority = priority & groupPriorityMask(point);
    activePriorities |= 1 << (runningPriority >> (MIN_BINARY_POINT + 1));
    acknowledge(best);
    int intid = ListRegister.intid(register);
    return intid < Interrupt.SGIS ? intid | ListRegister.source(register) << 10 : intid;
  }

  /** GICV_HPPIR. */
  int highestPendingIntid() {
    int best = highest();
    if (best < 0) {
      return SPURIOUS;
    }
    long register = registers[best];
    return ListRegister.isGroup1(register) && !acknowledgesGroup1
        ? SPURIOUS - 1
        : ListRegister.intid(register);
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
  void deactivateIntid(int intid) {
    if (intid < SPECIAL && eoiMode) {
      deactivateValid(intid);
    }
  }

  private void deactivateValid(int intid) {
    int index = find(intid, ListRegister.VALID);
    if (index >= 0) {
      deactivate(index);
    }
  }

  /** GICV_APR0, written. */
  void activePriorities(int value) {
    activePriorities = value;
    runningPriority = activePriority();
  }
}
