package org.kvmdev.api.machine;

import java.util.List;

/**
 * Registers that the guest reaches by instructions of its own. They are found by their encoding;
 * names are for reading recordings and for people.
 */
public non-sealed interface SystemRegisters extends Port {
  /** What {@link #encoding} answers for a register that is not the family's. */
  int NOT_MINE = -1;

  /**
   * A register's encoding.
   *
   * @param name the manual's name
   * @return the encoding, or {@link #NOT_MINE}
   */
  int encoding(String name);

  /**
   * The registers that there are, for who lists or tries them all.
   *
   * @return their names, each with an {@link #encoding}, in the same order each time
   */
  default List<String> names() {
    return List.of();
  }

  /**
   * Reads a register. Allocates nothing.
   *
   * @param vcpu who reads
   * @param encoding from {@link #encoding}
   * @return the value, or {@link Vcpu#undefined}
   */
  long read(Vcpu vcpu, int encoding);

  /**
   * Writes a register. Allocates nothing.
   *
   * @param vcpu who writes
   * @param encoding from {@link #encoding}
   * @param value the value
   * @return anything, so that {@code return vcpu.undefined();} reads alike
   */
  long write(Vcpu vcpu, int encoding, long value);
}
