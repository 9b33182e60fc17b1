package org.kvmdev.api;

import java.util.List;

/**
 * What shows a {@link CpuRegister} to user space, and what writing it there does.
 *
 * @param register the register
 * @param where the id of KVM_GET_ONE_REG, or the byte offset in a structure
 * @param bytes how many bytes are shown
 * @param readable whether it can be read
 * @param rules what a write is put through, in this order
 */
public record RegisterView(
    CpuRegister register, long where, int bytes, boolean readable, List<Rule> rules) {
  /** A view of a declaration. */
  public RegisterView {
    rules = List.copyOf(rules);
  }

  /** What a rule does with a value that is written. */
  public enum Kind {
    /** Another value than the register has is EINVAL. */
    CONST,
    /** The write is accepted, and the register keeps its value. */
    KEPT,
    /** Every write is EINVAL. */
    REFUSED,
    /** The bits of {@link Rule#mask} are written, the others keep their value. */
    MASK,
    /** Bits outside {@link Rule#mask} are EINVAL. */
    BITS,
    /** Under {@link Rule#mask} the value is one of {@link Rule#values}; others are EINVAL. */
    VALUES,
    /** A value above {@link Rule#mask} is EINVAL. */
    MAX,
    /** The value is rounded up to a multiple of {@link Rule#mask}. */
    ALIGN,
    /** Another value than the register has is EBUSY once the VM has run. */
    FROZEN,
    /** The bits of the value are set in {@link Rule#other}, and nothing else is done. */
    SETS,
    /** The bits of the value are cleared in {@link Rule#other}, and nothing else is done. */
    CLEARS,
    /**
     * Only where the structure's field at {@link Rule#other} has any bit of {@link Rule#mask} is
     * the field looked at, at all.
     */
    WHEN
  }

  /**
   * One rule.
   *
   * @param kind what it does
   * @param mask a mask, a most, or a multiple
   * @param values the values allowed
   * @param other the name of another register
   */
  public record Rule(Kind kind, long mask, List<Long> values, String other) {
    /** A rule of a declaration. */
    public Rule {
      values = List.copyOf(values);
    }
  }
}
