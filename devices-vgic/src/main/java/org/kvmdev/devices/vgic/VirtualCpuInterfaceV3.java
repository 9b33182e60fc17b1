package org.kvmdev.devices.vgic;

/**
 * The virtual CPU interface of a GICv3 (ICV_*_EL1), which the guest reaches as ICC_*_EL1: IHI 0069,
 * chapter 12.5. What the manual leaves to implementations is as on the recorded host.
 */
final class VirtualCpuInterfaceV3 extends VirtualCpuInterface {
  /** The running priority when nothing runs. */
  private static final int IDLE = 0xff;

  /** ICH_AP0R0_EL2: a bit for each preemption level that is active in group 0. */
  int activePriorities0;

  /** ICH_AP1R0_EL2: the same of group 1. */
  int activePriorities1;

  VirtualCpuInterfaceV3(int listRegisters) {
    super(listRegisters);
  }

  /** ICV_RPR_EL1. */
  int runningPriority() {
    int active = activePriorities0 | activePriorities1;
    return active == 0 ? IDLE : Integer.numberOfTrailingZeros(active) << (MIN_BINARY_POINT + 1);
  }

  /** Of those of an enabled group. */
  @Override
  int highestPending() {
    int best = -1;
    int priority = IDLE;
    for (int i = 0; i < used; i++) {
      long register = registers[i];
      if (ListRegister.isPendingOnly(register)
          && ListRegister.priority(register) < priority
          && isEnabled(ListRegister.isGroup1(register))) {
        best = i;
        priority = ListRegister.priority(register);
      }
    }
    return best;
  }

  @Override
  boolean isCandidate(long register) {
    return isEnabled(ListRegister.isGroup1(register));
  }

  private boolean isEnabled(boolean group1) {
    return group1 ? group1Enabled : group0Enabled;
  }

  private int groupPriorityMask(boolean group1) {
    return groupPriorityMask(group1 && !commonBinaryPoint ? binaryPoint1 - 1 : binaryPoint0);
  }

  private boolean canPreempt(int priority, boolean group1) {
    return priority < priorityMask
        && ((activePriorities0 | activePriorities1) == 0 || preempts(priority, group1));
  }

  /** Whether a priority is higher than the running one, by what the binary point leaves of both. */
  private boolean preempts(int priority, boolean group1) {
    int mask = groupPriorityMask(group1);
    return (priority & mask) < (runningPriority() & mask);
  }

  @Override
  int signalFor(int priority, boolean group1) {
    if (!isEnabled(group1) || !canPreempt(priority, group1)) {
      return 0;
    }
    return group1 ? IRQ : FIQ;
  }

  /** ICV_IAR0_EL1, ICV_IAR1_EL1. */
  int acknowledge(boolean group1) {
    int best = highest();
    if (best < 0) {
      return SPURIOUS;
    }
    long register = registers[best];
    int priority = ListRegister.priority(register);
    if (ListRegister.isGroup1(register) != group1 || !canPreempt(priority, group1)) {
      return SPURIOUS;
    }
    int level = (priority & groupPriorityMask(group1)) >> (8 - PRIORITY_BITS);
    if (group1) {
      activePriorities1 |= 1 << level;
    } else {
      activePriorities0 |= 1 << level;
    }
    acknowledge(best);
    return ListRegister.intid(register);
  }

  /** ICV_HPPIR0_EL1, ICV_HPPIR1_EL1. */
  int highestPendingIntid(boolean group1) {
    int best = highest();
    return best < 0 || ListRegister.isGroup1(registers[best]) != group1
        ? SPURIOUS
        : ListRegister.intid(registers[best]);
  }

  /** ICV_EOIR0_EL1, ICV_EOIR1_EL1: drops the running priority, and deactivates unless split. */
  void end(int intid, boolean group1) {
    if (isSpecial(intid)) {
      return;
    }
    int dropped = dropPriority();
    if (dropped == IDLE) {
      return;
    }
    int index = find(intid, ListRegister.ACTIVE);
    if (index >= 0
        && ListRegister.isGroup1(registers[index]) == group1
        && (ListRegister.priority(registers[index]) & groupPriorityMask(group1)) == dropped
        && (!eoiMode || intid >= Interrupt.FIRST_LPI)) {
      deactivate(index);
    }
  }

  /** ICV_DIR_EL1. */
  void deactivateIntid(int intid) {
    if (intid >= SPECIAL || !eoiMode) {
      return;
    }
    int index = find(intid, ListRegister.ACTIVE);
    if (index >= 0) {
      deactivate(index);
    }
  }

  private static boolean isSpecial(int intid) {
    return intid >= SPECIAL && intid <= SPURIOUS;
  }

  /** Drops the highest active priority, of group 0 where both have it. */
  private int dropPriority() {
    int level0 = Integer.numberOfTrailingZeros(activePriorities0);
    int level1 = Integer.numberOfTrailingZeros(activePriorities1);
    int level = Math.min(level0, level1);
    if (level == 32) {
      return IDLE;
    }
    if (level0 <= level1) {
      activePriorities0 &= ~(1 << level);
    } else {
      activePriorities1 &= ~(1 << level);
    }
    return level << (MIN_BINARY_POINT + 1);
  }
}
