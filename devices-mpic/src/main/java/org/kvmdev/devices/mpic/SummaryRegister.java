package org.kvmdev.devices.mpic;

import java.util.List;
import org.kvmdev.api.register.Register;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/**
 * The error interrupts' summary registers (P4080 Reference Manual, "MPIC: Summary Registers"). KVM
 * has no error interrupts: everything here reads 0, and writes are ignored.
 */
enum SummaryRegister implements Register {
  EISR0(
      RegisterSpec.at(0x3900, "Error interrupt summary: none.")
          .readOnly()
          .source("P4080RM, EISR0")),
  EIMR0(
      RegisterSpec.at(0x3910, "Error interrupt mask: reads 0.")
          .readOnly()
          .source("P4080RM, EIMR0"));

  /** The offsets of the part: from here. */
  static final int BEGIN = 0x3800;

  /** The offsets of the part: to below this. */
  static final int END = 0x4000;

  static final RegisterMap<SummaryRegister> MAP =
      RegisterMap.of("summary registers", Integer.BYTES, List.of(values()));

  private final RegisterSpec spec;

  SummaryRegister(RegisterSpec spec) {
    this.spec = spec;
  }

  @Override
  public RegisterSpec spec() {
    return spec;
  }
}
