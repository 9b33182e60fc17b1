package org.kvmdev.devices.vgic;

import static org.kvmdev.api.register.RegisterSpec.at;

import java.util.List;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/**
 * The registers of a GICv3's distributor: IHI 0069, table 12-25. In those with bits for each
 * interrupt, SGIs and PPIs read as zero: they are the redistributors'.
 */
enum DistributorV3Register implements GicRegister {
  GICD_CTLR(
      WORD,
      at(0x0, "Enables the distributor; affinity routing is fixed.")
          .reset(0x50)
          .writable(2)
          .saved()),
  GICD_TYPER(WORD, at(0x4, "How many interrupts and INTID bits there are.").readOnly()),
  GICD_IIDR(
      WORD,
      at(0x8, "Who made the distributor, and its revision.")
          .reset(0x4b00_343bL)
          .writable(0xf000)
          .saved()
          .effects("Ignored from the guest; from user space selects revision 2 or 3.")),
  GICD_TYPER2(
      WORD,
      at(0xc, "What GICv4.1 adds: nothing.")
          .readOnly()
          .effects("User space may only write what it reads.")),
  GICD_STATUSR(WORD, at(0x10, "Errors of accesses; reads as ones.").reset(0xffff_ffffL).readOnly()),
  GICD_IGROUPR(WORD, perInterrupt(0x80, 1, "An SPI's group.")),
  GICD_ISENABLER(WORD, perInterrupt(0x100, 1, "Enables SPIs.")),
  GICD_ICENABLER(WORD, perInterrupt(0x180, 1, "Disables SPIs.").writeOneToClear(-1)),
  GICD_ISPENDR(
      WORD,
      perInterrupt(0x200, 1, "Makes SPIs pending.")
          .effects("For user space the latch without the line; a 0 clears.")),
  GICD_ICPENDR(
      WORD,
      perInterrupt(0x280, 1, "Makes SPIs not pending, unless their line is high.")
          .writeOneToClear(-1)
          .effects("Zero and ignored for user space.")),
  GICD_ISACTIVER(WORD, perInterrupt(0x300, 1, "Activates SPIs.")),
  GICD_ICACTIVER(WORD, perInterrupt(0x380, 1, "Deactivates SPIs.").writeOneToClear(-1)),
  GICD_IPRIORITYR(
      WORD_OR_BYTE,
      perInterrupt(0x400, 8, "Priorities: the upper five bits of each byte.")
          .writable(0xf8f8_f8f8L)),
  GICD_ITARGETSR(
      WORD_OR_BYTE,
      at(0x800, "Zero, since affinity routing replaces it.").perInterrupt(8, 1024).readOnly()),
  GICD_ICFGR(
      WORD, perInterrupt(0xc00, 2, "Whether an SPI is edge-triggered (2) or level-sensitive (0).")),
  GICD_IGRPMODR(WORD, at(0xd00, "Zero: one security state.").perInterrupt(1, 1024).readOnly()),
  GICD_IROUTER(
      DOUBLE_OR_WORD,
      at(0x6000, "The affinity that an SPI goes to: Aff2, Aff1, Aff0.")
          .width(8)
          .perInterrupt(64, 1024)
          .writable(0xff_ffff)
          .saved()),
  GICD_IDREGS(WORD, at(0xffd0, "Identification; GICD_PIDR2 says GICv3.").array(12, 4).readOnly());

  /** The distributor. */
  static final RegisterMap<DistributorV3Register> MAP =
      RegisterMap.of("distributor", 4, List.of(values()));

  /** The same, by the accesses that they take. */
  static final GicRegisterMap<DistributorV3Register> ACCESSES = new GicRegisterMap<>(MAP);

  private final int sizes;
  private final RegisterSpec spec;

  DistributorV3Register(int sizes, RegisterSpec spec) {
    this.sizes = sizes;
    this.spec = spec.source("IHI 0069, 12.9");
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
