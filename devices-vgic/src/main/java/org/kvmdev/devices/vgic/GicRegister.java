package org.kvmdev.devices.vgic;

import org.kvmdev.api.register.Register;

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
}
