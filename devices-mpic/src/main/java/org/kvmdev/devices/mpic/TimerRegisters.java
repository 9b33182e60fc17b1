package org.kvmdev.devices.mpic;

import java.util.Arrays;

/** The global timers' registers. The timers do not count. */
final class TimerRegisters {
  private static final int TIMERS = 4;

  /** GTBCR[CI]: counting is inhibited. */
  private static final int COUNT_INHIBITED = 0x8000_0000;

  /** The registers repeat to the end of their part. */
  private static final int BANK_MASK = 0xff;

  private final Mpic mpic;
  private final int[] baseCounts = new int[TIMERS];
  private int frequency;

  TimerRegisters(Mpic mpic) {
    this.mpic = mpic;
  }

  void reset() {
    frequency = 0;
    Arrays.fill(baseCounts, COUNT_INHIBITED);
  }

  int read(int offset) {
    if (offset == TimerRegister.TFRR.spec().offset()) {
      return frequency;
    }
    int at = inBank(offset + TimerRegister.READ_DISTANCE);
    TimerRegister register = TimerRegister.MAP.at(at);
    if (register == null) {
      return -1;
    }
    int timer = TimerRegister.MAP.index(register, at);
    return switch (register) {
      case TFRR -> frequency;
      case GTCCR -> 0;
      case GTBCR -> baseCounts[timer];
      case GTVPR -> source(timer).ivpr();
      case GTDR -> source(timer).idr();
    };
  }

  void write(int offset, int value) {
    int at = offset < TimerRegister.GTCCR.spec().offset() ? offset : inBank(offset);
    TimerRegister register = TimerRegister.MAP.at(at);
    if (register == null) {
      return;
    }
    int timer = TimerRegister.MAP.index(register, at);
    switch (register) {
      case TFRR -> frequency = value;
      case GTCCR -> {
        // Read-only.
      }
      case GTBCR -> baseCounts[timer] = value;
      case GTVPR -> source(timer).setIvpr(value);
      case GTDR -> source(timer).setIdr(value);
    }
  }

  private static int inBank(int offset) {
    return (int) TimerRegister.GTCCR.spec().offset() | offset & BANK_MASK;
  }

  private Source source(int timer) {
    return mpic.source(Source.FIRST_TIMER + timer);
  }
}
