package org.kvmdev.devices.xics;

/**
 * The fields of a server's register KVM_REG_PPC_ICP_STATE, which KVM_GET_ONE_REG and
 * KVM_SET_ONE_REG reach (arch/powerpc/include/uapi/asm/kvm.h).
 */
enum PresentationField {
  /** The current processor priority. */
  CPPR(63, 56, "Current processor priority: only more favoured interrupts are presented."),
  /** The interrupt that is presented. */
  XISR(55, 32, "The source that is presented; 0 for none, 2 for an inter-processor interrupt."),
  /** The most favoured request. */
  MFRR(31, 24, "Most favoured request: an inter-processor interrupt's priority; 0xff for none."),
  /** The presented interrupt's priority. */
  PENDING_PRIORITY(23, 16, "The priority of what XISR names; 0xff where it names nothing.");

  final int high;
  final int low;
  final String meaning;

  PresentationField(int high, int low, String meaning) {
    this.high = high;
    this.low = low;
    this.meaning = meaning;
  }

  /** The field of a register's value. */
  int of(long value) {
    return (int) (value << (63 - high) >>> (63 - high + low));
  }

  /** A field's value in its place. */
  long in(int field) {
    return (long) field << low;
  }
}
