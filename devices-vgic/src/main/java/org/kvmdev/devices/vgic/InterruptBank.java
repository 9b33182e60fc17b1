package org.kvmdev.devices.vgic;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * 32 interrupts whose bits share a word in the registers: the SGIs and PPIs of a vCPU, or so many
 * SPIs. What a register of one bit for each reads, where that is configuration and not state, is
 * kept here as the word that it is, so that a read gathers nothing.
 */
final class InterruptBank {
  /** How many interrupts there are in a bank. */
  static final int SIZE = 32;

  private static final VarHandle ENABLED = word("enabled");
  private static final VarHandle GROUP1 = word("group1");
  private static final VarHandle EDGE = word("edge");

  /** The first interrupt's INTID is a multiple of their number. */
  final Interrupt[] interrupts;

  // The words are changed with the lock of each interrupt whose bit changes, but share it with
  // others.

  private volatile int enabled;
  private volatile int group1;
  private volatile int edge;

  InterruptBank(Interrupt[] interrupts) {
    this.interrupts = interrupts;
    reset();
  }

  private static VarHandle word(String name) {
    try {
      return MethodHandles.lookup()
          .findVarHandle(InterruptBank.class, name, int.class)
          .withInvokeExactBehavior();
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Takes over what the interrupts are now. */
  void reset() {
    int enabledNow = 0;
    int group1Now = 0;
    int edgeNow = 0;
    for (int i = 0; i < SIZE; i++) {
      Interrupt irq = interrupts[i];
      enabledNow |= irq.enabled ? 1 << i : 0;
      group1Now |= irq.group1 ? 1 << i : 0;
      edgeNow |= irq.edge ? 1 << i : 0;
    }
    enabled = enabledNow;
    group1 = group1Now;
    edge = edgeNow;
  }

  /** ISENABLER. */
  int enabled() {
    return enabled;
  }

  /** IGROUPR. */
  int group1() {
    return group1;
  }

  /** A bit for each that is edge-triggered. */
  int edge() {
    return edge;
  }

  /** Enables or disables an interrupt, whose lock is held. */
  void enable(Interrupt irq, boolean on) {
    irq.enabled = on;
    set(ENABLED, irq, on);
  }

  /** Puts an interrupt, whose lock is held, into group 1 or group 0. */
  void group(Interrupt irq, boolean one) {
    irq.group1 = one;
    set(GROUP1, irq, one);
  }

  /** Makes an interrupt, whose lock is held, edge-triggered or level-sensitive. */
  void trigger(Interrupt irq, boolean byEdge) {
    irq.edge = byEdge;
    set(EDGE, irq, byEdge);
  }

  private void set(VarHandle word, Interrupt irq, boolean one) {
    int bit = 1 << irq.intid % SIZE;
    if (((int) word.getVolatile(this) & bit) != 0 != one) {
      if (one) {
        int _ = (int) word.getAndBitwiseOr(this, bit);
      } else {
        int _ = (int) word.getAndBitwiseAnd(this, ~bit);
      }
    }
  }
}
