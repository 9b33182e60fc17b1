package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/**
 * The memory-mapped registers of a part of a GIC, found by an access: one look into an array, which
 * is made from the registers' declarations.
 *
 * @param <R> the enum of the registers
 */
final class GicRegisterMap<R extends Enum<R> & GicRegister> {
  /** The register has no bits for each interrupt. */
  private static final int NO_INTERRUPT = -1;

  /** By words of the part's addresses; null where there is no register. */
  private final @Nullable Place<R>[] places;

  GicRegisterMap(RegisterMap<R> registers) {
    long end = 0;
    for (R register : registers.registers()) {
      RegisterSpec spec = register.spec();
      end = Math.max(end, spec.offset(spec.count() - 1) + spec.width());
    }
    places = array((int) (end + 3 >>> 2));
    for (int word = 0; word < places.length; word++) {
      R register = registers.at(4L * word);
      if (register != null) {
        places[word] = place(register, 4L * word);
      }
    }
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static <R extends Enum<R> & GicRegister> @Nullable Place<R>[] array(int length) {
    return new Place[length];
  }

  private static <R extends Enum<R> & GicRegister> Place<R> place(R register, long offset) {
    int bits = register.spec().bitsPerInterrupt();
    int intid = bits == 0 ? NO_INTERRUPT : (int) (offset - register.spec().offset()) * 8 / bits;
    return new Place<>(register, register.sizes(), intid, bits == 8 ? 3 : 0);
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
    Place<R> place = at(offset);
    return place != null && place.takes(offset, size, from, to) ? place.register : null;
  }

  /**
   * The first interrupt at an offset at which there is a register.
   *
   * @param offset the offset of an access
   * @return the INTID; -1 where the register has no bits for each
   */
  int intid(long offset) {
    Place<R> place = at(offset);
    return place == null ? NO_INTERRUPT : place.first(offset);
  }

  /** What is at the word of an offset, whether it takes an access there or not. */
  @Nullable Place<R> at(long offset) {
    int word = (int) (offset >>> 2);
    return word < places.length ? places[word] : null;
  }

  /**
   * What is at a word.
   *
   * @param register the register
   * @param sizes the accesses that it takes, a bit for each size in bytes
   * @param intid the first interrupt, or {@link #NO_INTERRUPT}
   * @param further the bits of an offset that count further interrupts
   */
  record Place<R extends Enum<R> & GicRegister>(R register, int sizes, int intid, int further) {
    /** Whether it takes an access at an offset, as {@link GicRegisterMap#find} says it. */
    boolean takes(long offset, int size, int from, int to) {
      return (sizes & size) != 0
          && (offset & size - 1) == 0
          && (intid == NO_INTERRUPT || intid >= from && intid < to);
    }

    /** The first interrupt at an offset in the word. */
    int first(long offset) {
      return intid + ((int) offset & further);
    }
  }
}
