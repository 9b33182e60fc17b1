package org.kvmdev.devices.xics;

import org.jspecify.annotations.Nullable;

/**
 * The hypercalls that are answered here (Linux on Power Architecture Reference, "Interrupt support
 * hcalls"). A call that is not answered, because its vCPU is not connected or the client disabled
 * it, goes to user space.
 */
enum Hypercall {
  /** Ends an interrupt. */
  H_EOI(
      0x64,
      "xirr",
      "",
      "Ends the interrupt of bits 23:0 and restores CPPR from bits 31:24, as H_XIRR had them. What"
          + " waits is sent again; a level that is still high and a queued edge are sent at once.",
      "H_PARAMETER where no source of that block of 1024 was ever set; CPPR is restored all the"
          + " same."),
  /** Sets the vCPU's priority. */
  H_CPPR(
      0x68,
      "cppr",
      "",
      "Sets the current processor priority. More favoured: what is presented and is not more"
          + " favoured still goes back to wait. Less favoured: what waits is sent again.",
      ""),
  /** Requests an inter-processor interrupt. */
  H_IPI(
      0x6c,
      "server, mfrr",
      "",
      "Requests an inter-processor interrupt of priority mfrr at a server, or withdraws the request"
          + " (0xff); one that is presented stays.",
      "H_PARAMETER where there is no such server."),
  /** Looks at a server. */
  H_IPOLL(
      0x70,
      "server",
      "xirr, mfrr",
      "Reads a server's XIRR and MFRR and changes nothing.",
      "H_PARAMETER where there is no such server; the registers are left alone."),
  /** Accepts an interrupt. */
  H_XIRR(
      0x74,
      "",
      "xirr",
      "Accepts what is presented, if anything is: CPPR becomes its priority. Answers CPPR as it was"
          + " in bits 31:24 and the source in bits 23:0.",
      ""),
  /** Accepts an interrupt, with a time stamp. */
  H_XIRR_X(0x2fc, "cppr", "xirr, time base", "As H_XIRR; the argument is not looked at.", ""),
  /** Runs a routine of RTAS. */
  H_RTAS(
      0xf000,
      "address",
      "",
      "Runs the routine that the block at the guest's real address names by its token.",
      "KVM_RUN fails: EFAULT where the block is not in the guest's memory, EINVAL where it claims"
          + " 16 arguments or more.");

  /** H_PARAMETER, a hypercall's result. */
  static final long PARAMETER = -4;

  /** The highest number that KVM_CAP_PPC_ENABLE_HCALL knows (H_WATCHDOG). */
  static final long MAX_OPCODE = 0x45c;

  private static final @Nullable Hypercall[] TABLE = table();

  final int number;
  final String arguments;
  final String results;
  final String meaning;
  final String errors;

  Hypercall(int number, String arguments, String results, String meaning, String errors) {
    this.number = number;
    this.arguments = arguments;
    this.results = results;
    this.meaning = meaning;
    this.errors = errors;
  }

  /** The call of a number, or null. */
  static @Nullable Hypercall of(long number) {
    if (number == H_RTAS.number) {
      return H_RTAS;
    }
    return (number & ~0x3ffL) == 0 && (number & 3) == 0 ? TABLE[(int) number >>> 2] : null;
  }

  private static @Nullable Hypercall[] table() {
    @Nullable Hypercall[] table = new @Nullable Hypercall[256];
    for (Hypercall call : values()) {
      if (call != H_RTAS) {
        table[call.number >>> 2] = call;
      }
    }
    return table;
  }
}
