package org.kvmdev.devices.mpic;

import java.util.List;
import org.kvmdev.api.register.Register;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/**
 * The global timers' registers (P4080 Reference Manual, "MPIC: Global Timer Registers"). The timers
 * do not count: no interrupt comes of them.
 */
enum TimerRegister implements Register {
  TFRR(
      RegisterSpec.at(0x10f0, "Timer frequency reporting; kept for whoever reads it.")
          .saved()
          .source("P4080RM, TFRRA")),
  GTCCR(
      RegisterSpec.at(0x1100, "Global timer current count: always 0.")
          .array(4, 0x40)
          .readOnly()
          .effects(TimerRegister.SHIFTED)
          .source("P4080RM, GTCCRAn")),
  GTBCR(
      RegisterSpec.at(0x1110, "Global timer base count.")
          .array(4, 0x40)
          .reset(0x8000_0000L)
          .effects(TimerRegister.SHIFTED)
          .source("P4080RM, GTBCRAn")),
  GTVPR(
      RegisterSpec.at(0x1120, "Global timer vector/priority.")
          .array(4, 0x40)
          .reset(0x8000_0000L)
          .writable(0x800f_ffffL)
          .effects(TimerRegister.SHIFTED)
          .source("P4080RM, GTVPRAn")),
  GTDR(
      RegisterSpec.at(0x1130, "Global timer destination.")
          .array(4, 0x40)
          .effects(TimerRegister.SHIFTED)
          .source("P4080RM, GTDRAn"));

  /** The offsets of the part: from {@link GlobalRegister#END} to below this. */
  static final int END = 0x1310;

  /** KVM reads these registers at an offset 0x10 below the one at which it writes them. */
  static final int READ_DISTANCE = 0x10;

  static final RegisterMap<TimerRegister> MAP =
      RegisterMap.of("global timer registers", Integer.BYTES, List.of(values()));

  private static final String SHIFTED = "Written here, read 0x10 below.";

  private final RegisterSpec spec;

  TimerRegister(RegisterSpec spec) {
    this.spec = spec;
  }

  @Override
  public RegisterSpec spec() {
    return spec;
  }
}
