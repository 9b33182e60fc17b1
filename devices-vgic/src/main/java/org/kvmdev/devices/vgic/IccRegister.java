package org.kvmdev.devices.vgic;

import static org.kvmdev.api.register.RegisterSpec.at;

import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/**
 * The system registers of a GICv3's CPU interface, by their encoding (op0, op1, CRn, CRm, op2): IHI
 * 0069, chapter 12.2. User space has only those that are state.
 */
enum IccRegister implements GicRegister {
  ICC_PMR_EL1(true, 4, 6, 0, "The priority mask: less urgent interrupts wait.", 0, 0xff),
  ICC_IAR0_EL1(false, 12, 8, 0, "Acknowledges an interrupt of group 0.", 1023, 0),
  ICC_EOIR0_EL1(false, 12, 8, 1, "Ends an interrupt of group 0.", 0, 0xff_ffff),
  ICC_HPPIR0_EL1(false, 12, 8, 2, "The most urgent pending one, if of group 0.", 1023, 0),
  ICC_BPR0_EL1(true, 12, 8, 3, "The binary point of group 0.", 0, 7),
  ICC_AP0R_EL1(true, 12, 8, 4, "The active priorities of group 0.", 0, 0xffff_ffffL),
  ICC_AP1R_EL1(true, 12, 9, 0, "The active priorities of group 1.", 0, 0xffff_ffffL),
  ICC_DIR_EL1(false, 12, 11, 1, "Deactivates an interrupt.", 0, 0xff_ffff),
  ICC_RPR_EL1(false, 12, 11, 3, "The running priority.", 0xff, 0),
  ICC_SGI1R_EL1(false, 12, 11, 5, "Generates an SGI of either group.", 0, -1),
  ICC_ASGI1R_EL1(false, 12, 11, 6, "Generates an SGI of group 0.", 0, -1),
  ICC_SGI0R_EL1(false, 12, 11, 7, "Generates an SGI of group 0.", 0, -1),
  ICC_IAR1_EL1(false, 12, 12, 0, "Acknowledges an interrupt of group 1.", 1023, 0),
  ICC_EOIR1_EL1(false, 12, 12, 1, "Ends an interrupt of group 1.", 0, 0xff_ffff),
  ICC_HPPIR1_EL1(false, 12, 12, 2, "The most urgent pending one, if of group 1.", 1023, 0),
  ICC_BPR1_EL1(true, 12, 12, 3, "The binary point of group 1.", 0, 7),
  ICC_CTLR_EL1(true, 12, 12, 4, "Modes, and what the host implements.", 0x8c00, 3),
  ICC_SRE_EL1(true, 12, 12, 5, "System registers are in use, always.", 7, 0),
  ICC_IGRPEN0_EL1(true, 12, 12, 6, "Enables group 0.", 0, 1),
  ICC_IGRPEN1_EL1(true, 12, 12, 7, "Enables group 1.", 0, 1);

  /** The CPU interface; an encoding is an offset. */
  static final RegisterMap<IccRegister> MAP =
      RegisterMap.numbered("CPU interface", List.of(values()));

  // The guest finds registers in one array access each.
  private static final int FIRST = encoding(3, 0, 4, 0, 0);
  private static final @Nullable IccRegister[] READABLE = table(RegisterSpec::reads);
  private static final @Nullable IccRegister[] WRITABLE = table(RegisterSpec::writes);

  /** User space has it. */
  final boolean isState;

  private final RegisterSpec spec;

  IccRegister(
      boolean isState, int crn, int crm, int op2, String summary, long reset, long writable) {
    this.isState = isState;
    int count = name().contains("R_EL1") && name().startsWith("ICC_AP") ? 4 : 1;
    RegisterSpec made =
        at(encoding(3, 0, crn, crm, op2), summary)
            .place("S3_0_C" + crn + "_C" + crm + "_" + op2)
            .width(8)
            .reset(reset);
    if (count > 1) {
      made.array(count, 1);
    }
    if (writable == 0 && !isState) {
      made.readOnly();
    } else {
      made.writable(writable);
      if (!isState) {
        made.writeOnly();
      }
    }
    spec =
        (isState ? made.saved() : made.effects("The guest's alone: no attribute."))
            .source("IHI 0069, 12.2");
  }

  private static @Nullable IccRegister[] table(Predicate<RegisterSpec> access) {
    @Nullable IccRegister[] table = new IccRegister[encoding(3, 0, 12, 15, 7) - FIRST + 1];
    for (IccRegister register : values()) {
      if (access.test(register.spec)) {
        table[register.encoding(0) - FIRST] = register;
      }
    }
    return table;
  }

  /** The register that the guest reads by an encoding; null where there is none. */
  static @Nullable IccRegister readable(int encoding) {
    return find(READABLE, encoding);
  }

  /** The register that the guest writes by an encoding; null where there is none. */
  static @Nullable IccRegister writable(int encoding) {
    return find(WRITABLE, encoding);
  }

  private static @Nullable IccRegister find(@Nullable IccRegister[] table, int encoding) {
    int place = encoding - FIRST;
    return place >= 0 && place < table.length ? table[place] : null;
  }

  /**
   * A system register's encoding, as MRS and MSR have it and as KVM_DEV_ARM_VGIC_CPU_SYSREGS wants.
   */
  static int encoding(int op0, int op1, int crn, int crm, int op2) {
    return op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2;
  }

  /** The encoding of the register, or of an element of an array of registers. */
  int encoding(int index) {
    return (int) spec.offset(index);
  }

  @Override
  public RegisterSpec spec() {
    return spec;
  }

  @Override
  public int sizes() {
    return 8;
  }
}
