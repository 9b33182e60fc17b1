package org.kvmdev.devices.vgic;

import static org.kvmdev.api.register.RegisterSpec.at;

import java.util.List;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/**
 * The registers of a redistributor: IHI 0069, tables 12-27 and 12-29 (from 0x10000). GICR_STATUSR
 * is not among them: the kernel's table has it out of order, so a search does not find it.
 */
enum RedistributorRegister implements GicRegister {
  GICR_CTLR(
      WORD,
      at(0x0, "Enables LPIs.")
          .reset(6)
          .writable(1)
          .saved()
          .effects("Ignored without an ITS; disabling LPIs drops the pending ones.")),
  GICR_IIDR(WORD, at(0x4, "Who made the redistributor.").reset(0x4b00_043bL).readOnly()),
  GICR_TYPER(
      DOUBLE_OR_WORD,
      at(0x8, "Whose it is, and whether it is the last of its row.").width(8).readOnly()),
  GICR_WAKER(WORD, at(0x14, "Power management: always awake.").readOnly()),
  GICR_PROPBASER(
      DOUBLE_OR_WORD,
      at(0x70, "Where the LPIs' configuration is; all redistributors share it.")
          .width(8)
          .writable(0x070f_ffff_ffff_ff9fL)
          .saved()
          .effects("Ignored while LPIs are enabled.")),
  GICR_PENDBASER(
      DOUBLE_OR_WORD,
      at(0x78, "Where the LPIs' pending bits are.")
          .width(8)
          .reset(Redistributor.INITIAL_BASER)
          .writable(0x470f_ffff_ffff_0f80L)
          .saved()
          .effects("Ignored while LPIs are enabled.")),
  GICR_INVLPIR(
      DOUBLE_OR_WORD, at(0xa0, "Reads an LPI's configuration again.").width(8).writeOnly()),
  GICR_INVALLR(
      DOUBLE_OR_WORD, at(0xb0, "Reads all LPIs' configuration again.").width(8).writeOnly()),
  GICR_SYNCR(WORD, at(0xc0, "Whether an invalidation is going on.").readOnly()),
  GICR_IDREGS(WORD, at(0xffd0, "Identification; GICR_PIDR2 says GICv3.").array(12, 4).readOnly()),
  GICR_IGROUPR0(WORD, perInterrupt(0x1_0080, 1, "The groups.").reset(0xffff_ffffL)),
  GICR_ISENABLER0(WORD, perInterrupt(0x1_0100, 1, "Enables interrupts.").reset(0xffff)),
  GICR_ICENABLER0(
      WORD, perInterrupt(0x1_0180, 1, "Disables interrupts.").reset(0xffff).writeOneToClear(-1)),
  GICR_ISPENDR0(
      WORD,
      perInterrupt(0x1_0200, 1, "Makes interrupts pending.")
          .effects("For user space the latch without the line; a 0 clears.")),
  GICR_ICPENDR0(
      WORD,
      perInterrupt(0x1_0280, 1, "Makes interrupts not pending, unless their line is high.")
          .writeOneToClear(-1)
          .effects("Zero and ignored for user space.")),
  GICR_ISACTIVER0(WORD, perInterrupt(0x1_0300, 1, "Activates interrupts.")),
  GICR_ICACTIVER0(WORD, perInterrupt(0x1_0380, 1, "Deactivates interrupts.").writeOneToClear(-1)),
  GICR_IPRIORITYR(
      WORD_OR_BYTE,
      perInterrupt(0x1_0400, 8, "Priorities: the upper five bits of each byte.")
          .writable(0xf8f8_f8f8L)),
  GICR_ICFGR(
      WORD,
      perInterrupt(0x1_0c00, 2, "SGIs are edge-triggered, PPIs level-sensitive.").writable(0)),
  GICR_IGRPMODR0(WORD, at(0x1_0d00, "Zero: one security state.").readOnly()),
  GICR_NSACR(WORD, at(0x1_0e00, "Zero: one security state.").readOnly());

  /** A redistributor's two frames. */
  static final RegisterMap<RedistributorRegister> MAP =
      RegisterMap.of("redistributor", 4, List.of(values()));

  /** The same, by the accesses that they take. */
  static final GicRegisterMap<RedistributorRegister> ACCESSES = new GicRegisterMap<>(MAP);

  private final int sizes;
  private final RegisterSpec spec;

  RedistributorRegister(int sizes, RegisterSpec spec) {
    this.sizes = sizes;
    this.spec = spec.source("IHI 0069, 12.11");
  }

  private static RegisterSpec perInterrupt(long offset, int bits, String summary) {
    return at(offset, summary).perInterrupt(bits, Interrupt.PRIVATE).saved();
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
