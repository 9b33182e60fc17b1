package org.kvmdev.api.register;

import java.lang.reflect.Array;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Registers found by offset: one array access, no allocation. A map is of one part of a device, as
 * its manual has them; it begins at its first register. What it finds lies in memory, or is
 * numbered ({@link #numbered}): then each number is a whole register, however wide.
 *
 * @param <R> the enum of the registers
 */
public final class RegisterMap<R extends Enum<R> & Register> {
  private final String name;
  private final List<R> registers;
  private final int shift;
  private final boolean numbered;
  private final long begin;

  /** What covers each granule from the begin on; null where nothing does. */
  private final @Nullable R[] slots;

  private final long[] resets;

  private RegisterMap(String name, int granule, boolean numbered, List<R> registers) {
    this.numbered = numbered;
    if (granule < 1 || Integer.bitCount(granule) != 1) {
      throw new IllegalArgumentException("a granule of " + granule + " bytes is no power of two");
    }
    this.name = name;
    this.registers = List.copyOf(registers);
    this.shift = Integer.numberOfTrailingZeros(granule);
    Class<R> kind = this.registers.get(0).getDeclaringClass();
    this.resets = new long[kind.getEnumConstants().length];
    long first = Long.MAX_VALUE;
    long end = 0;
    for (R register : registers) {
      RegisterSpec spec = register.spec();
      spec.seal();
      resets[register.ordinal()] = spec.reset();
      first = Math.min(first, spec.offset());
      end = Math.max(end, spec.offset(spec.count() - 1) + extent(spec));
    }
    begin = first / granule * granule;
    @SuppressWarnings("unchecked")
    @Nullable R[] none =
        (R[]) Array.newInstance(kind, Math.toIntExact(Math.ceilDiv(end - begin, granule)));
    slots = none;
    for (R register : registers) {
      enter(register, granule);
    }
  }

  private RegisterMap(RegisterMap<R> other, R register, long reset) {
    name = other.name;
    registers = other.registers;
    shift = other.shift;
    numbered = other.numbered;
    begin = other.begin;
    slots = other.slots;
    resets = other.resets.clone();
    resets[register.ordinal()] = reset;
  }

  /**
   * The map of a region's registers.
   *
   * @param name the region's name: {@code distributor}
   * @param granule a power of two that divides every register's offset and width
   * @param registers the registers
   * @param <R> their enum
   * @return the map
   * @throws IllegalArgumentException where two overlap, or one does not fit the granule
   */
  public static <R extends Enum<R> & Register> RegisterMap<R> of(
      String name, int granule, List<R> registers) {
    return new RegisterMap<>(name, granule, false, registers);
  }

  /**
   * The map of registers that have numbers instead of places in memory: a CPU's system registers.
   *
   * @param name the name of what they are of: {@code CPU interface}
   * @param registers the registers; their offsets are their numbers, and an array's distance is
   *     that of numbers
   * @param <R> their enum
   * @return the map
   * @throws IllegalArgumentException where two have the same number
   */
  public static <R extends Enum<R> & Register> RegisterMap<R> numbered(
      String name, List<R> registers) {
    return new RegisterMap<>(name, 1, true, registers);
  }

  /** How many offsets are one register's. */
  private int extent(RegisterSpec spec) {
    return numbered ? 1 : spec.width();
  }

  /**
   * The same map of a model on which a register holds something else after reset.
   *
   * @param register one of the map's
   * @param value what it holds after reset
   * @return a map that differs in this alone
   */
  public RegisterMap<R> withReset(R register, long value) {
    return new RegisterMap<>(this, register, value);
  }

  /**
   * What a register holds after reset.
   *
   * @param register one of the map's
   * @return the model's value; where the model has none of its own, the declaration's
   */
  public long reset(Register register) {
    return resets[register.ordinal()];
  }

  /**
   * The region's name.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * The registers, in the enum's order.
   *
   * @return the registers
   */
  public List<R> registers() {
    return registers;
  }

  /**
   * The register that covers an offset.
   *
   * @param offset counted as the registers' own
   * @return the register, or null where none does
   */
  public @Nullable R at(long offset) {
    long slot = (offset - begin) >>> shift;
    return Long.compareUnsigned(slot, slots.length) < 0 ? slots[(int) slot] : null;
  }

  /**
   * Which element of an array covers an offset.
   *
   * @param register what {@link #at} answered
   * @param offset the same offset
   * @return the element's index; 0 where it is no array
   */
  public int index(R register, long offset) {
    RegisterSpec spec = register.spec();
    long stride = spec.stride();
    long distance = offset - spec.offset();
    if ((stride & (stride - 1)) != 0) {
      return (int) (distance / stride);
    }
    return stride == 0 ? 0 : (int) (distance >>> Long.numberOfTrailingZeros(stride));
  }

  private void enter(R register, int granule) {
    RegisterSpec spec = register.spec();
    for (int index = 0; index < spec.count(); index++) {
      long first = spec.offset(index);
      if (first % granule != 0 || extent(spec) % granule != 0) {
        throw new IllegalArgumentException(
            "%s at %#x does not fit a granule of %d bytes".formatted(register, first, granule));
      }
      for (long at = first; at < first + extent(spec); at += granule) {
        int slot = (int) ((at - begin) >>> shift);
        if (slots[slot] != null) {
          throw new IllegalArgumentException(
              "%s and %s overlap at %#x".formatted(slots[slot], register, at));
        }
        slots[slot] = register;
      }
    }
  }
}
