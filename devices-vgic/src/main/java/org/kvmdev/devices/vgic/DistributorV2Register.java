package org.kvmdev.devices.vgic;

import static org.kvmdev.api.register.RegisterSpec.at;

import java.util.List;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/** The registers of a GICv2's distributor: IHI 0048B, table 4-1. */
enum DistributorV2Register implements GicRegister {
  GICD_CTLR(WORD, at(0x0, "Enables the distributor.").writable(1).saved()),
  GICD_TYPER(WORD, at(0x4, "How many interrupts and CPU interfaces there are.").readOnly()),
  GICD_IIDR(
      WORD,
      at(0x8, "Who made the distributor, and its revision.")
          .reset(0x4b00_343bL)
          .writable(0xf000)
          .saved()
          .effects(
              "Ignored from the guest; from user space selects revision 2 or 3, and lets it write"
                  + " the groups.")),
  GICD_IGROUPR(
      WORD,
      perInterrupt(0x80, 1, "An interrupt's group.")
          .effects("Ignored from user space until it has written GICD_IIDR.")),
  GICD_ISENABLER(WORD, perInterrupt(0x100, 1, "Enables interrupts; SGIs are from the beginning.")),
  GICD_ICENABLER(WORD, perInterrupt(0x180, 1, "Disables interrupts.").writeOneToClear(-1)),
  GICD_ISPENDR(
      WORD,
      perInterrupt(0x200, 1, "Makes interrupts pending.")
          .effects(
              "Ignored for SGIs from the guest; from user space, their source is the target.")),
  GICD_ICPENDR(
      WORD,
      perInterrupt(0x280, 1, "Makes interrupts not pending, unless their line is high.")
          .writeOneToClear(-1)
          .effects("Ignored for SGIs from the guest; from user space, for all their sources.")),
  GICD_ISACTIVER(WORD, perInterrupt(0x300, 1, "Activates interrupts.")),
  GICD_ICACTIVER(WORD, perInterrupt(0x380, 1, "Deactivates interrupts.").writeOneToClear(-1)),
  GICD_IPRIORITYR(
      WORD_OR_BYTE,
      perInterrupt(0x400, 8, "Priorities: the upper five bits of each byte.")
          .writable(0xf8f8_f8f8L)),
  GICD_ITARGETSR(
      WORD_OR_BYTE,
      perInterrupt(0x800, 8, "The CPU interfaces that an SPI goes to; the lowest of them counts.")
          .effects("Read-only for SGIs and PPIs, which go to their own.")),
  GICD_ICFGR(
      WORD,
      perInterrupt(0xc00, 2, "Whether an SPI is edge-triggered (2) or level-sensitive (0).")
          .effects("Read-only for SGIs and PPIs.")),
  GICD_SGIR(
      WORD,
      at(0xf00, "Generates an SGI for the CPU interfaces listed, all others, or the writer itself.")
          .writeOnly()),
  GICD_CPENDSGIR(
      WORD_OR_BYTE,
      at(0xf10, "The sources that an SGI is pending from; a 1 clears.")
          .array(4, 4)
          .writeOneToClear(-1)),
  GICD_SPENDSGIR(
      WORD_OR_BYTE,
      at(0xf20, "The sources that an SGI is pending from; a 1 sets.").array(4, 4).saved());

  /** The distributor. */
  static final RegisterMap<DistributorV2Register> MAP =
      RegisterMap.of("distributor", 4, List.of(values()));

  /** The same, by the accesses that they take. */
  static final GicRegisterMap<DistributorV2Register> ACCESSES = new GicRegisterMap<>(MAP);

  private final int sizes;
  private final RegisterSpec spec;

  DistributorV2Register(int sizes, RegisterSpec spec) {
    this.sizes = sizes;
    this.spec = spec.source("IHI 0048B, 4.3");
  }

  private static RegisterSpec perInterrupt(long offset, int bits, String summary) {
    return at(offset, summary).perInterrupt(bits, 1024).saved();
  }

  @Override
  public RegisterSpec spec() {
    return spec;
  }

  @Override
  public int sizes() {
    return sizes;
  }
}
