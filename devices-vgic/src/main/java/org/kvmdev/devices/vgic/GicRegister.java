package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.register.Register;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/**
 * A memory-mapped register of a GIC. Accesses that it does not take, of a size or for an interrupt
 * that does not exist, read as zero and write nothing.
 */
interface GicRegister extends Register {
  /** It takes accesses of 32 bits. */
  int WORD = 4;

  /** It takes accesses of 32 bits and of a byte. */
  int WORD_OR_BYTE = 4 | 1;

  /** It takes accesses of 64 bits and of each half. */
  int DOUBLE_OR_WORD = 8 | 4;

  /** The sizes in bytes of the accesses that it takes, as one number. */
  int sizes();

  /**
   * The register that takes an access.
   *
   * @param map the registers
   * @param offset the access's offset
   * @param size its size in bytes
   * @param interrupts how many interrupts there are
   * @param <R> the enum of the registers
   * @return the register, or null where none takes it
   */
  static <R extends Enum<R> & GicRegister> @Nullable R find(
      RegisterMap<R> map, long offset, int size, int interrupts) {
    R register = map.at(offset);
    if (register == null || (register.sizes() & size) == 0 || (offset & (size - 1)) != 0) {
      return null;
    }
    RegisterSpec spec = register.spec();
    return spec.bitsPerInterrupt() != 0 && intid(spec, offset) >= interrupts ? null : register;
  }

  /**
   * The first interrupt at an offset in a register with bits for each.
   *
   * @param spec the register
   * @param offset the offset of an access
   * @return the INTID
   */
  static int intid(RegisterSpec spec, long offset) {
    return (int) (offset - spec.offset()) * 8
        >> Integer.numberOfTrailingZeros(spec.bitsPerInterrupt());
  }
}
