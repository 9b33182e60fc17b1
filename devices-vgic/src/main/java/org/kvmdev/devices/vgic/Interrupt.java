package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;

/**
 * One interrupt: what the distributor (SPIs) or a redistributor (SGIs and PPIs) keeps of it.
 *
 * <p>An interrupt is guarded by the lock of its {@link #home}: the vCPU in whose queue it is, or
 * else the one that it targets. So injections into different vCPUs do not meet.
 */
final class Interrupt {
  /** How many SGIs there are; INTIDs 0 to 15. */
  static final int SGIS = 16;

  /** How many interrupts are a vCPU's own; INTIDs 0 to 31. */
  static final int PRIVATE = 32;

  /** The first INTID that is an LPI. */
  static final int FIRST_LPI = 8192;

  /** The bits of a priority that are implemented: the upper five. */
  static final int PRIORITY_MASK = 0xf8;

  final int intid;

  boolean enabled;

  /** The input line; counts only where the interrupt is level-sensitive. */
  boolean line;

  /** The pending state that is latched: an edge, a write to ISPENDR, a generated SGI. */
  boolean latch;

  boolean active;

  /** Edge-triggered; otherwise level-sensitive. */
  boolean edge;

  /** In group 1; otherwise in group 0. */
  boolean group1;

  int priority;

  /** Of an SGI on GICv2: a bit for each source vCPU from which it is pending. */
  int sources;

  /** Of an SGI on GICv2: the source of the active one. */
  int activeSource;

  /** GICD_ITARGETSR, GICv2. */
  int targets;

  /** GICD_IROUTER, GICv3: Aff2, Aff1 and Aff0. */
  int affinity;

  /** A host device's line, which nobody else drives: who; null where the line is the client's. */
  @Nullable Object owner;

  /** Backed by an interrupt of the host, which is deactivated with this one. */
  boolean mapped;

  /** Where it goes when it becomes pending; null where the affinity names no vCPU. */
  @Nullable VgicCpu target;

  /** It is in its home's queue. */
  boolean queued;

  /** Whose lock guards it. */
  volatile VgicCpu home;

  /** It became pending while its home was not its target's: whoever moves it queues it. */
  boolean queueWhenHome;

  /** Somebody took it out of a queue and moves it to its target's: nobody else may. */
  boolean moving;

  /**
   * The index of the list register that it is in; {@link ListRegisters#NONE} where it is in none.
   */
  int register = ListRegisters.NONE;

  /** It is in a list register, and was pending when that was filled. */
  boolean filledPending;

  /** Its place among those that get list registers; has a meaning only while they are filled. */
  int chosenAt;

  // What follows is the queue's.

  @Nullable Interrupt next;
  @Nullable Interrupt previous;

  /** Which of the queue's lists it is in. */
  int list;

  /** Its place in the list: smaller comes first. */
  long place;

  /** For how many list registers it counts besides one; -1 where it needs none. */
  int extraRegisters;

  /** Its index among those that are not sorted; -1 where it is none. */
  int unsortedAt = -1;

  /** Its index among those that may have to leave the queue; -1 where it is none. */
  int leavingAt = -1;

  Interrupt(int intid, VgicCpu home) {
    this.intid = intid;
    this.home = home;
  }

  boolean isSgi() {
    return intid < SGIS;
  }

  /** A PPI, which is always level-sensitive. */
  boolean isPpi() {
    return intid >= SGIS && intid < PRIVATE;
  }

  boolean isSpi() {
    return intid >= PRIVATE && intid < FIRST_LPI;
  }

  /** INTIDs are 32 bits without a sign. */
  boolean isLpi() {
    return intid < 0 || intid >= FIRST_LPI;
  }

  boolean isPending() {
    return latch || !edge && line;
  }

  /** How many list registers it needs: a GICv2's SGI one for each source, and one if active. */
  int listRegisters() {
    if (sources != 0 && isSgi()) {
      return Integer.bitCount(sources) + (active ? 1 : 0);
    }
    return active || isPending() ? 1 : 0;
  }

  /** Takes the home's lock. */
  VgicCpu lock() {
    for (; ; ) {
      VgicCpu at = home;
      at.lockSettled();
      if (home == at) {
        return at;
      }
      at.unlock();
    }
  }

  @Override
  public String toString() {
    return "INTID " + intid;
  }
}
