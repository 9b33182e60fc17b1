package org.kvmdev.devices.mpic;

import java.util.EnumSet;
import java.util.List;
import org.kvmdev.api.register.Register;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/**
 * The registers of the external interrupts (sources 0 to 15) and of the internal ones (16 to 255,
 * of which 224 to 231 are the shared message interrupts); P4080 Reference Manual, "MPIC: Interrupt
 * Source Configuration Registers".
 *
 * <p>They stand in the order in which they are restored: what IVPR delivers goes where IDR and ILR
 * say at that moment.
 */
enum SourceRegister implements Register {
  EIDR(
      RegisterSpec.at(0x10010, "External interrupt destination: a bit for each CPU.")
          .array(SourceRegister.EXTERNAL, SourceRegister.STRIDE)
          .saved()
          .effects(SourceRegister.DESTINATIONS)
          .source("P4080RM, EIDRn; MPC8544ERM, EIDRn")),
  IIDR(
      RegisterSpec.at(0x10210, "Internal interrupt destination: a bit for each CPU.")
          .array(SourceRegister.INTERNAL, SourceRegister.STRIDE)
          .saved()
          .effects(SourceRegister.DESTINATIONS)
          .source("P4080RM, IIDRn, MSIDRn; MPC8544ERM, IIDRn")),
  EILR(
      RegisterSpec.at(0x10018, "External interrupt level: which output; 0 int, 1 cint, 2 mcp.")
          .array(SourceRegister.EXTERNAL, SourceRegister.STRIDE)
          .writable(Source.OUTPUT)
          .saved()
          .effects(SourceRegister.OUTPUTS)
          .source("P4080RM, EILRn")),
  IILR(
      RegisterSpec.at(0x10218, "Internal interrupt level: which output; 0 int, 1 cint, 2 mcp.")
          .array(SourceRegister.INTERNAL, SourceRegister.STRIDE)
          .writable(Source.OUTPUT)
          .saved()
          .effects(SourceRegister.OUTPUTS)
          .source("P4080RM, IILRn, MSILRn")),
  EIVPR(
      RegisterSpec.at(0x10000, "External interrupt vector/priority.")
          .array(SourceRegister.EXTERNAL, SourceRegister.STRIDE)
          .reset(0x8000_0000L)
          .writable(Source.IVPR_WRITABLE & 0xffff_ffffL)
          .saved()
          .effects("Bit 30 (activity) is read-only. Writing delivers or withdraws the interrupt.")
          .source("P4080RM, EIVPRn")),
  IIVPR(
      RegisterSpec.at(0x10200, "Internal interrupt vector/priority.")
          .array(SourceRegister.INTERNAL, SourceRegister.STRIDE)
          .reset(0x8080_0000L)
          .writable((Source.IVPR_WRITABLE & ~Source.SENSE) & 0xffff_ffffL)
          .saved()
          .effects("Bit 30 (activity) is read-only. Writing delivers or withdraws the interrupt.")
          .source("P4080RM, IIVPRn, MSIVPRn"));

  /** The offsets of the part: from here. */
  static final int BEGIN = 0x10000;

  /** The offsets of the part: to below this. */
  static final int END = 0x12000;

  private static final int EXTERNAL = Source.FIRST_INTERNAL;
  private static final int INTERNAL = Source.FIRST_INTERPROCESSOR - Source.FIRST_INTERNAL;
  private static final int STRIDE = 0x20;

  private static final String DESTINATIONS =
      "Keeps the bits of the CPUs that are connected at the time of the write; reset writes 1. On"
          + " 2.0 bits 30 and down are the critical interrupts of CPUs 0 and up, which ignore the"
          + " mask.";
  private static final String OUTPUTS = "Outputs other than int reach no vCPU. Reset keeps it.";

  private final RegisterSpec spec;

  SourceRegister(RegisterSpec spec) {
    this.spec = spec;
  }

  /** The model's registers: ILR is 4.2's alone. */
  static RegisterMap<SourceRegister> map(MpicModel model) {
    EnumSet<SourceRegister> registers = EnumSet.allOf(SourceRegister.class);
    if (!model.hasLevelRegisters()) {
      registers.removeAll(EnumSet.of(EILR, IILR));
    }
    return RegisterMap.of(
        "interrupt source configuration registers", Integer.BYTES, List.copyOf(registers));
  }

  @Override
  public RegisterSpec spec() {
    return spec;
  }
}
