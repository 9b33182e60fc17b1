package org.kvmdev.api.register;

/**
 * What an enum of registers implements: one constant a register or an array of registers, named as
 * its manual names it. A device reads and writes with one exhaustive {@code switch} over the enum
 * each.
 */
public interface Register {
  /**
   * The register's declaration.
   *
   * @return the declaration, the same object each time
   */
  RegisterSpec spec();

  /**
   * The register's name; an enum has it already.
   *
   * @return the manual's name
   */
  String name();

  /**
   * The register's place in its enum; an enum has it already.
   *
   * @return the ordinal
   */
  int ordinal();
}
