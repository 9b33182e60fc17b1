package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/**
 * The memory-mapped registers of a part of a GIC, found by an access: one look into each of a few
 * arrays, which are made from the registers' declarations.
 *
 * @param <R> the enum of the registers
 */
final class GicRegisterMap<R extends Enum<R> & GicRegister> {
  /** The register has no bits for each interrupt. */
  private static final int NO_INTERRUPT = -1;

  private final RegisterMap<R> registers;

  // By words of the part's addresses.

  private final byte[] sizes;
  private final int[] intids;
  private final boolean[] hasByteForEach;

  GicRegisterMap(RegisterMap<R> registers) {
    this.registers = registers;
    long end = 0;
    for (R register : registers.registers()) {
      RegisterSpec spec = register.spec();
      end = Math.max(end, spec.offset(spec.count() - 1) + spec.width());
    }
    int words = (int) (end + 3 >>> 2);
    sizes = new byte[words];
    intids = new int[words];
    hasByteForEach = new boolean[words];
    for (int word = 0; word < words; word++) {
      R register = registers.at(4L * word);
      intids[word] = NO_INTERRUPT;
      if (register != null) {
        int bits = register.spec().bitsPerInterrupt();
        sizes[word] = (byte) register.sizes();
        if (bits != 0) {
          intids[word] = (int) (4L * word - register.spec().offset()) * 8 / bits;
          hasByteForEach[word] = bits == 8;
        }
      }
    }
  }

  /**
   * The register that takes an access.
   *
   * @param offset the access's offset, which is at most 32 bits
   * @param size its size in bytes
   * @param from the first interrupt that there is
   * @param to the first interrupt that there is no more
   * @return the register, or null where none takes it
   */
  @Nullable R find(long offset, int size, int from, int to) {
    int word = (int) (offset >>> 2);
    if (word >= sizes.length || (sizes[word] & size) == 0 || (offset & size - 1) != 0) {
      return null;
    }
    int intid = intids[word];
    if (intid != NO_INTERRUPT && (intid < from || intid >= to)) {
      return null;
    }
    return registers.at(offset);
  }

  /**
   * The first interrupt at an offset at which there is a register.
   *
   * @param offset the offset of an access
   * @return the INTID; -1 where the register has no bits for each
   */
  int intid(long offset) {
    int word = (int) (offset >>> 2);
    return hasByteForEach[word] ? intids[word] + (int) (offset & 3) : intids[word];
  }
}
