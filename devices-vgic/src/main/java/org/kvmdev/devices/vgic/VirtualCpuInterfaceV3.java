package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;

/**
 * The virtual CPU interface of a GICv3 (ICV_*_EL1), which the guest reaches as ICC_*_EL1: IHI 0069,
 * chapter 12.5. What the manual leaves to implementations is as on the recorded host.
 */
final class VirtualCpuInterfaceV3 extends VirtualCpuInterface {
  /** The running priority when nothing runs. */
  private static final int IDLE = 0xff;

  /** ICH_AP0R0_EL2 and ICH_AP1R0_EL2: a bit for each preemption level that is active. */
  final int[] activePriorities = new int[2];

  VirtualCpuInterfaceV3(int listRegisters) {
    super(listRegisters);
  }

  /** ICV_RPR_EL1. */
  int runningPriority() {
    int active = activePriorities[0] | activePriorities[1];
    return active == 0 ? IDLE : Integer.numberOfTrailingZeros(active) << (MIN_BINARY_POINT + 1);
  }

  /** The list register of the highest priority pending interrupt of an enabled group. */
  private @Nullable ListRegister highestPending() {
    ListRegister best = null;
    int priority = IDLE;
    for (int i = 0; i < used; i++) {
      ListRegister register = registers[i];
      if (register.isPendingOnly()
          && register.priority < priority
          && (register.group1 ? group1Enabled : group0Enabled)) {
        best = register;
        priority = register.priority;
      }
    }
    return best;
  }

  private int groupPriorityMask(boolean group1) {
    return groupPriorityMask(group1 && !commonBinaryPoint ? binaryPoint1 - 1 : binaryPoint0);
  }

  private boolean canPreempt(int priority, boolean group1) {
    if (priority >= priorityMask) {
      return false;
    }
    int running = runningPriority();
    int mask = groupPriorityMask(group1);
    return running == IDLE || (priority & mask) < (running & mask);
  }

  @Override
  int signals() {
    ListRegister best = highestPending();
    return best == null ? 0 : signalFor(best.priority, best.group1);
  }

  @Override
  int signalFor(int priority, boolean group1) {
    if (!(group1 ? group1Enabled : group0Enabled) || !canPreempt(priority, group1)) {
      return 0;
    }
    return group1 ? IRQ : FIQ;
  }

  /** ICV_IAR0_EL1, ICV_IAR1_EL1. */
  int acknowledge(boolean group1) {
    ListRegister best = highestPending();
    if (best == null || best.group1 != group1 || !canPreempt(best.priority, group1)) {
      return SPURIOUS;
    }
    int level = (best.priority & groupPriorityMask(group1)) >> (8 - PRIORITY_BITS);
    activePriorities[group1 ? 1 : 0] |= 1 << level;
    best.pending = false;
    best.active = true;
    return best.intid;
  }

  /** ICV_HPPIR0_EL1, ICV_HPPIR1_EL1. */
  int highestPendingIntid(boolean group1) {
    ListRegister best = highestPending();
    return best == null || best.group1 != group1 ? SPURIOUS : best.intid;
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
    ListRegister register = active(intid);
    if (register != null
        && register.group1 == group1
        && (register.priority & groupPriorityMask(group1)) == dropped
        && (!eoiMode || intid >= Interrupt.FIRST_LPI)) {
      register.active = false;
    }
  }

  /** ICV_DIR_EL1. */
  void deactivate(int intid) {
    if (intid >= SPECIAL || !eoiMode) {
      return;
    }
    ListRegister register = active(intid);
    if (register != null) {
      register.active = false;
    }
  }

  private static boolean isSpecial(int intid) {
    return intid >= SPECIAL && intid <= SPURIOUS;
  }

  private @Nullable ListRegister active(int intid) {
    for (int i = 0; i < used; i++) {
      ListRegister register = registers[i];
      if (register.active && register.intid == intid) {
        return register;
      }
    }
    return null;
  }

  /** Drops the highest active priority, of group 0 where both have it. */
  private int dropPriority() {
    int level0 = Integer.numberOfTrailingZeros(activePriorities[0]);
    int level1 = Integer.numberOfTrailingZeros(activePriorities[1]);
    int level = Math.min(level0, level1);
    if (level == 32) {
      return IDLE;
    }
    activePriorities[level0 <= level1 ? 0 : 1] &= ~(1 << level);
    return level << (MIN_BINARY_POINT + 1);
  }
}
