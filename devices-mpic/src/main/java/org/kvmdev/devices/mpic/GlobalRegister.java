package org.kvmdev.devices.mpic;

import java.util.List;
import org.kvmdev.api.register.Register;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/**
 * The global registers, and the window in which a CPU finds its own per-CPU registers (P4080
 * Reference Manual, "MPIC: Global Registers" and "Private Access Registers").
 */
enum GlobalRegister implements Register {
  BRR1(
      RegisterSpec.at(0x0, "Block revision 1: the model and its version.")
          .readOnly()
          .source("P4080RM, BRR1")),
  PRIVATE(
      RegisterSpec.at(
              0x40, "The per-CPU registers (IPIDR0 to EOI) of the CPU that makes the access.")
          .array(8, 0x10)
          .reset(0xffff_ffffL)
          .effects(
              "As the same register at 0x20040 to 0x200b0 of the CPU's page. Through the device's"
                  + " file there is no CPU: reads answer 0xffffffff, writes are ignored.")
          .source("P4080RM, Private Access Registers")),
  FRR(
      RegisterSpec.at(0x1000, "Feature reporting: interrupts less one, CPUs less one, version.")
          .readOnly()
          .effects("Bits 12:8 count the connected vCPUs; before the first, bits 31:8 are all ones.")
          .source("P4080RM, FRR")),
  GCR(
      RegisterSpec.at(0x1020, "Global configuration: reset, and the mode.")
          .writable(0xe000_0000L)
          .saved()
          .effects("Writing RST (bit 31) resets the controller; RST reads 0.")
          .source("P4080RM, GCR")),
  VIR(RegisterSpec.at(0x1080, "Vendor identification: generic.").readOnly().source("P4080RM, VIR")),
  PIR(
      RegisterSpec.at(0x1090, "Processor initialization: resets a CPU's core.")
          .readOnly()
          .effects("A write is for user space: ENXIO, or an MMIO exit from the guest.")
          .source("P4080RM, PIR")),
  IPIVPR(
      RegisterSpec.at(0x10a0, "Interprocessor interrupt vector/priority.")
          .array(4, 0x10)
          .reset(0x8000_0000L)
          .writable(0x800f_ffffL)
          .saved()
          .effects("Bit 30 (activity) is read-only.")
          .source("P4080RM, IPIVPRn")),
  SVR(
      RegisterSpec.at(0x10e0, "Spurious vector: what IACK answers where nothing can be taken.")
          .reset(0xffff)
          .writable(Source.VECTOR)
          .saved()
          .source("P4080RM, SVR"));

  /** The offsets of the part: from 0 to below this. */
  static final int END = 0x10f0;

  private final RegisterSpec spec;

  GlobalRegister(RegisterSpec spec) {
    this.spec = spec;
  }

  /** The model's registers. */
  static RegisterMap<GlobalRegister> map(MpicModel model) {
    return RegisterMap.of("global registers", Integer.BYTES, List.of(values()))
        .withReset(BRR1, model.blockRevision())
        .withReset(FRR, model.features() | 0xffff_ff00L);
  }

  @Override
  public RegisterSpec spec() {
    return spec;
  }
}
