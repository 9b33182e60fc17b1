package org.kvmdev.devices.mpic;

import java.util.List;
import org.kvmdev.api.register.Register;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/**
 * The per-CPU registers, a page for each of 32 CPUs (P4080 Reference Manual, "MPIC: Per-CPU
 * (Private Access) Registers"). A CPU finds its own also at {@link GlobalRegister#PRIVATE}.
 */
enum CpuRegister implements Register {
  IPIDR0(CpuRegister.dispatch(0)),
  IPIDR1(CpuRegister.dispatch(1)),
  IPIDR2(CpuRegister.dispatch(2)),
  IPIDR3(CpuRegister.dispatch(3)),
  CTPR(
      CpuRegister.at(0x80, "Current task priority: interrupts above it are signalled.")
          .reset(0xf)
          .writable(0xf)
          .saved()
          .source("P4080RM, CTPR")),
  WHOAMI(CpuRegister.at(0x90, "Who am I: the CPU's number.").readOnly().source("P4080RM, WHOAMI")),
  IACK(
      CpuRegister.at(0xa0, "Interrupt acknowledge: the vector of the interrupt that is taken.")
          .readOnly()
          .reset(0xffff)
          .effects("Reading takes the interrupt into service, or answers the spurious vector.")
          .source("P4080RM, IACK")),
  EOI(
      CpuRegister.at(0xb0, "End of interrupt: ends the one of the highest priority in service.")
          .effects("Reads 0.")
          .writable(0)
          .source("P4080RM, EOI"));

  /** The offsets of the part: from here. */
  static final int BEGIN = 0x20000;

  /** The first register of a CPU, from its page's begin; in the private window the same. */
  static final int FIRST = 0x40;

  /** The last register of a CPU. */
  static final int LAST = 0xb0;

  /** The offsets of the part: to below this. */
  static final int END = 0x3f100;

  /** From one CPU's page to the next, as a shift. */
  static final int PAGE_SHIFT = 12;

  static final RegisterMap<CpuRegister> MAP =
      RegisterMap.of("per-CPU registers", Integer.BYTES, List.of(values()));

  private final RegisterSpec spec;

  CpuRegister(RegisterSpec spec) {
    this.spec = spec;
  }

  private static RegisterSpec at(int offset, String summary) {
    return RegisterSpec.at(BEGIN + offset, summary).array(Cpu.COUNT, 1 << PAGE_SHIFT);
  }

  private static RegisterSpec dispatch(int interrupt) {
    return at(0x40 + 0x10 * interrupt, "Interprocessor interrupt dispatch: to which CPUs.")
        .reset(0xffff_ffffL)
        .effects("Writing sends interprocessor interrupt " + interrupt + "; reads 0xffffffff.")
        .source("P4080RM, IPIDRn");
  }

  @Override
  public RegisterSpec spec() {
    return spec;
  }
}
