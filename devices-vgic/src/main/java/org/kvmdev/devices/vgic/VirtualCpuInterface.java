package org.kvmdev.devices.vgic;

/**
 * The host's virtual CPU interface: what the guest meets between an entry and the next exit. Its
 * state is the list registers, the virtual machine control (VMCR) and the active priorities (APR);
 * the last two survive an exit, as the hypervisor keeps them, and are loaded again at the next
 * entry.
 *
 * <p>Guarded by the lock of its vCPU.
 */
abstract sealed class VirtualCpuInterface permits VirtualCpuInterfaceV2, VirtualCpuInterfaceV3 {
  /** What is read where no interrupt can be acknowledged. */
  static final int SPURIOUS = 1023;

  /** The first of the INTIDs that name no interrupt. */
  static final int SPECIAL = 1020;

  /** An interrupt can be signalled as IRQ. */
  static final int IRQ = 1;

  /** An interrupt can be signalled as FIQ. */
  static final int FIQ = 2;

  /** The bits of a priority that a host with five has. */
  static final int PRIORITY_BITS = 5;

  /** The smallest binary point for group 0, which is one less than that for group 1. */
  static final int MIN_BINARY_POINT = 7 - PRIORITY_BITS;

  /** The index where no list register is the highest. */
  static final int NONE = -1;

  private static final int UNKNOWN = -2;

  /** The list registers, as {@link ListRegister} has them. */
  long[] registers;

  /** How many list registers are filled; without any, the interface is off (HCR.En). */
  int used;

  /** How many list registers are pending or active. */
  int valid;

  /** A bit for each list register that the guest changed since this was last looked at. */
  int changed;

  /** A bit for each list register whose end wants a maintenance interrupt (EISR). */
  int ended;

  /** A maintenance interrupt is wanted when at most one list register is valid (HCR.UIE). */
  boolean underflow;

  /** The index of {@link #highestPending}, where it is known since what it depends on changed. */
  private int highest = UNKNOWN;

  /** What that will be when it is acknowledged and nothing else has changed, where it is known. */
  private int runnerUp = UNKNOWN;

  /** Where the last acknowledged interrupt was, which mostly is the next that ends. */
  private int acknowledged;

  // The virtual machine control, in fields.

  boolean group0Enabled;
  boolean group1Enabled;

  /** Group 1 has the binary point of group 0. */
  boolean commonBinaryPoint;

  /** The end of an interrupt only drops the priority; deactivation is a write of its own. */
  boolean eoiMode;

  int priorityMask;
  int binaryPoint0;
  int binaryPoint1;

  VirtualCpuInterface(int listRegisters) {
    registers = new long[listRegisters];
  }

  /** No list register is filled any more. */
  final void empty() {
    used = 0;
    changed = 0;
    ended = 0;
    underflow = false;
    reconsider();
  }

  /** The list registers, or what enables and masks them, changed by another's hand. */
  final void reconsider() {
    highest = UNKNOWN;
    runnerUp = UNKNOWN;
  }

  /** What initialising the GIC does: all is zero. */
  void reset() {
    group0Enabled = false;
    group1Enabled = false;
    commonBinaryPoint = false;
    eoiMode = false;
    priorityMask = 0;
    binaryPoint0 = 0;
    binaryPoint1 = 0;
  }

  /**
   * The control and active priorities reach the hardware, which has a smallest binary point; what
   * user space wrote below it is lost here.
   */
  void load() {
    binaryPoint0 = Math.max(binaryPoint0, MIN_BINARY_POINT);
    binaryPoint1 = Math.max(binaryPoint1, MIN_BINARY_POINT + 1);
  }

  /**
   * What the interface signals to its CPU.
   *
   * @return 0, {@link #IRQ} or {@link #FIQ}
   */
  final int signals() {
    int best = highest();
    if (best < 0) {
      return 0;
    }
    long register = registers[best];
    return signalFor(ListRegister.priority(register), ListRegister.isGroup1(register));
  }

  /** The list register of the highest priority pending interrupt; -1 where there is none. */
  final int highest() {
    int best = highest;
    if (best == UNKNOWN) {
      best = used == 0 ? NONE : highestPending();
      highest = best;
    }
    return best;
  }

  /** A list register is filled, whatever was in it before. */
  final void fill(int index, long register) {
    registers[index] = register;
    if (index == highest || index == runnerUp) {
      reconsider();
    } else if (ListRegister.isPendingOnly(register)) {
      pends(index, register);
    }
  }

  /** What is in a list register goes to another. */
  final void move(int from, int to) {
    registers[to] = registers[from];
    if (highest == from) {
      highest = to;
    }
    runnerUp = UNKNOWN;
  }

  /** What is in a list register counts no more. */
  final void drop(int index) {
    if (highest == index || runnerUp == index) {
      reconsider();
    }
  }

  /** A list register that had ended is filled anew, with an interrupt that is pending. */
  final void pendsAgain(int index, long register) {
    valid++;
    changed = 0;
    registers[index] = register;
    pends(index, register);
  }

  /** A list register is pending that was not: it may be the highest now. */
  private void pends(int index, long register) {
    int best = highest;
    if (best != UNKNOWN && isCandidate(register)) {
      if (best == NONE || isBefore(index, register, best)) {
        highest = index;
        runnerUp = best;
      } else {
        runnerUp = UNKNOWN;
      }
    }
  }

  private boolean isBefore(int index, long register, int best) {
    int difference = ListRegister.priority(register) - ListRegister.priority(registers[best]);
    return difference < 0 || difference == 0 && index < best;
  }

  /** Whether a list register can be the highest that is pending. */
  abstract boolean isCandidate(long register);

  /** What the guest changed in the list registers is taken back. */
  final void settled() {
    changed = 0;
    ended = 0;
  }

  /** The last of all list registers becomes the first. */
  final void rotate() {
    int end = registers.length - 1;
    long last = registers[end];
    System.arraycopy(registers, 0, registers, 1, end);
    registers[0] = last;
    changed = rotated(changed);
    ended = rotated(ended);
    if (highest >= 0) {
      highest = highest == end ? 0 : highest + 1;
    }
    runnerUp = UNKNOWN;
  }

  /** A bit for each list register, as they are after {@link #rotate}. */
  final int rotated(int bits) {
    int count = registers.length;
    return (bits << 1 | bits >>> (count - 1)) & (1 << count) - 1;
  }

  /** The highest priority pending interrupt is acknowledged. */
  final void acknowledge(int index) {
    registers[index] = ListRegister.acknowledged(registers[index]);
    changed |= 1 << index;
    highest = used == 1 ? NONE : runnerUp;
    runnerUp = UNKNOWN;
    acknowledged = index;
  }

  /**
   * The list register that has an interrupt in a state.
   *
   * @param state {@link ListRegister#ACTIVE}, or {@link ListRegister#VALID}
   * @return its index; -1 where there is none
   */
  final int find(int intid, long state) {
    int last = acknowledged;
    return last < used && has(registers[last], intid, state) ? last : search(intid, state);
  }

  private int search(int intid, long state) {
    for (int i = 0; i < used; i++) {
      if (has(registers[i], intid, state)) {
        return i;
      }
    }
    return NONE;
  }

  private static boolean has(long register, int intid, long state) {
    return ListRegister.intid(register) == intid && (register & state) != 0;
  }

  /**
   * The list register of the highest priority pending interrupt, where any is filled.
   *
   * @return its index; -1 where there is none
   */
  abstract int highestPending();

  /**
   * How an interrupt that is in no list register would be signalled, as the control and the active
   * priorities are now.
   *
   * @return 0, {@link #IRQ} or {@link #FIQ}
   */
  abstract int signalFor(int priority, boolean group1);

  /** An active interrupt is deactivated. */
  final void deactivate(int index) {
    long register = registers[index] & ~ListRegister.ACTIVE;
    registers[index] = register;
    changed |= 1 << index;
    if (ListRegister.isInvalid(register)) {
      valid--;
      if (ListRegister.signalsEnd(register)) {
        ended |= 1 << index;
      }
    } else {
      reconsider();
    }
  }

  /** Whether the hypervisor is asked to take over. */
  final boolean wantsMaintenance() {
    return ended != 0 || underflow && valid < 2;
  }

  /** The bits of a priority that decide over preemption. */
  static int groupPriorityMask(int binaryPoint) {
    return ~0 << (binaryPoint + 1);
  }
}
