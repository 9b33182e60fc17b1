package org.kvmdev.devices.vgic;

/**
 * A list register: a virtual interrupt as the hardware's virtual CPU interface has it, in one
 * number. The fields are where ICH_LR&lt;n&gt;_EL2 has them (IHI 0069, chapter 12.4), except that
 * no physical INTID is kept: its place has the source of a GICv2's SGI, as GICH_LRn does.
 */
final class ListRegister {
  /** Neither pending nor active: what an interrupt leaves behind, too, when it ended. */
  static final long EMPTY = 0;

  static final long PENDING = 1L << 62;
  static final long ACTIVE = 1L << 63;

  /** Deactivation goes to the host's interrupt. */
  static final long HARDWARE = 1L << 61;

  static final long GROUP1 = 1L << 60;

  /** A maintenance interrupt is wanted when it becomes invalid. */
  static final long END_INTERRUPT = 1L << 41;

  /** Pending, active, or both. */
  static final long VALID = PENDING | ACTIVE;

  private static final int STATE_SHIFT = 62;
  private static final int PENDING_ONLY = 1;
  private static final int PRIORITY_SHIFT = 48;
  private static final int SOURCE_SHIFT = 42;

  /** As many sources as {@link Interrupt#sources} has bits. */
  private static final int SOURCES = 0x1f;

  private ListRegister() {}

  /** The fields that a list register is filled with before its state. */
  static long of(int intid, int priority, boolean group1) {
    return intid & 0xffff_ffffL | (long) priority << PRIORITY_SHIFT | (group1 ? GROUP1 : 0);
  }

  /** An interrupt that is pending. */
  static long pending(int intid, int priority, boolean group1) {
    return of(intid, priority, group1) | PENDING;
  }

  /** The field of a GICv2's SGI's source vCPU. */
  static long fromSource(int source) {
    return (long) (source & SOURCES) << SOURCE_SHIFT;
  }

  /** The source vCPU of a GICv2's SGI. */
  static int source(long register) {
    return (int) (register >>> SOURCE_SHIFT) & SOURCES;
  }

  /** The virtual INTID. */
  static int intid(long register) {
    return (int) register;
  }

  static int priority(long register) {
    return (int) (register >>> PRIORITY_SHIFT) & 0xff;
  }

  static boolean isGroup1(long register) {
    return (register & GROUP1) != 0;
  }

  static boolean isPending(long register) {
    return (register & PENDING) != 0;
  }

  static boolean isActive(long register) {
    return (register & ACTIVE) != 0;
  }

  static boolean isInvalid(long register) {
    return (register & VALID) == 0;
  }

  /** Whether it is invalid, and nobody waits to be told so. */
  static boolean isEnded(long register) {
    return (register & (VALID | END_INTERRUPT)) == 0;
  }

  /** Whether it can be acknowledged: pending and not active. */
  static boolean isPendingOnly(long register) {
    return register >>> STATE_SHIFT == PENDING_ONLY;
  }

  /** The register after the acknowledgement of an interrupt that is pending only. */
  static long acknowledged(long register) {
    return register ^ VALID;
  }

  /** Whether its end wants a maintenance interrupt. */
  static boolean signalsEnd(long register) {
    return (register & (VALID | END_INTERRUPT | HARDWARE)) == END_INTERRUPT;
  }
}
