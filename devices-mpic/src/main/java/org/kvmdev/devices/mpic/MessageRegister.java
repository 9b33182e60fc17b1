package org.kvmdev.devices.mpic;

import java.util.List;
import org.kvmdev.api.register.Register;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/**
 * The shared message signaled interrupts' registers (P4080 Reference Manual, "MPIC: Shared Message
 * Signaled Registers").
 */
enum MessageRegister implements Register {
  MSIR(
      RegisterSpec.at(0x1600, "Shared message signaled interrupt: which of 32 messages came.")
          .array(8, 0x10)
          .readOnly()
          .effects("Reading clears it, and lowers its source.")
          .source("P4080RM, MSIRAn")),
  MSISR(
      RegisterSpec.at(0x1720, "Shared message signaled interrupt status: which MSIRs are not 0.")
          .readOnly()
          .source("P4080RM, MSISRA")),
  MSIIR(
      RegisterSpec.at(
              0x1740, "Shared message signaled interrupt index: bits 31:29 MSIR, 28:24 its bit.")
          .writable(0xff00_0000L)
          .effects("Writing sets the bit and raises the MSIR's source, 224 and up; reads 0.")
          .source("P4080RM, MSIIRA"));

  /** The offsets of the part: from here. */
  static final int BEGIN = 0x1600;

  /** The offsets of the part: to below this. */
  static final int END = 0x1800;

  static final RegisterMap<MessageRegister> MAP =
      RegisterMap.of("shared message signaled registers", Integer.BYTES, List.of(values()));

  private final RegisterSpec spec;

  MessageRegister(RegisterSpec spec) {
    this.spec = spec;
  }

  @Override
  public RegisterSpec spec() {
    return spec;
  }
}
