package org.kvmdev.devices.vgic;

import static org.kvmdev.api.register.RegisterSpec.at;

import java.util.List;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/** The registers of an ITS's control frame: IHI 0069, table 12-31. */
enum ItsRegister implements GicRegister {
  GITS_CTLR(
      WORD,
      at(0x0, "Enables the ITS; bit 31 reads 1 when it is quiescent.")
          .reset(0x8000_0000L)
          .writable(1)
          .saved()
          .effects(
              "Enabling is ignored unless CBASER and both tables are valid; disabling drops the"
                  + " cached translations; enabling runs the commands that wait.")),
  GITS_IIDR(
      WORD,
      at(0x4, "Who made the ITS, and the revision of its tables in memory.")
          .reset(0x4b00_043bL)
          .writable(0)
          .saved()
          .effects("User space selects the revision: 0 is the only one.")),
  GITS_TYPER(
      DOUBLE_OR_WORD,
      at(0x8, "16 bits of device, of event; entries of 8 bytes; physical LPIs.")
          .width(8)
          .reset(0x1_ef71)
          .readOnly()),
  GITS_CBASER(
      DOUBLE_OR_WORD,
      at(0x80, "Where the command queue is, and how long.")
          .width(8)
          .writable(~0xf000L)
          .saved()
          .effects("Ignored while the ITS is enabled; CREADR and CWRITER become 0.")),
  GITS_CWRITER(
      DOUBLE_OR_WORD,
      at(0x88, "Where the next command will be written.")
          .width(8)
          .writable(0xf_ffe0)
          .saved()
          .effects("Runs the commands before it; ignored beyond the queue's end.")),
  GITS_CREADR(
      DOUBLE_OR_WORD,
      at(0x90, "Where the next command will be read.")
          .width(8)
          .writable(0xf_ffe0)
          .saved()
          .effects(
              "Written by user space alone: EBUSY while the ITS is enabled, EINVAL beyond the"
                  + " queue's end.")),
  GITS_BASER(
      DOUBLE_OR_WORD,
      at(0x100, "Where the tables of devices (0) and collections (1) are.")
          .width(8)
          .array(8, 8)
          .saved()
          .effects(
              "Ignored while the ITS is enabled; what becomes invalid is unmapped. 2 to 7 are"
                  + " zero.")),
  GITS_IDREGS(WORD, at(0xffd0, "Identification.").array(12, 4).readOnly());

  /** The control frame; the frame behind it, with GITS_TRANSLATER, is for messages alone. */
  static final RegisterMap<ItsRegister> MAP = RegisterMap.of("ITS", 4, List.of(values()));

  /** The same, by the accesses that they take. */
  static final GicRegisterMap<ItsRegister> ACCESSES = new GicRegisterMap<>(MAP);

  private final int sizes;
  private final RegisterSpec spec;

  ItsRegister(int sizes, RegisterSpec spec) {
    this.sizes = sizes;
    this.spec = spec.source("IHI 0069, 12.19");
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
