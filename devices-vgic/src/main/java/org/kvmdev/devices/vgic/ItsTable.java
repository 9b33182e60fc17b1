package org.kvmdev.devices.vgic;

import org.kvmdev.api.machine.GuestMemory;

/**
 * A table that an ITS has in guest memory, by its GITS_BASER register: flat, or of two levels whose
 * first holds the addresses of pages. An entry has 8 bytes, a page 64 KiB.
 */
final class ItsTable {
  static final int ENTRY = 8;
  static final int PAGE = 0x1_0000;
  static final long VALID = 1L << 63;
  static final long INDIRECT = 1L << 62;
  static final int DEVICES = 1;
  static final int COLLECTIONS = 4;

  /** No such entry. */
  static final long NONE = -1;

  private static final long PAGE_ADDRESS = 0x000f_ffff_ffff_0000L;
  private static final long READ_ONLY = 0x1fL << 48 | 7L << 56;
  private static final int IDS = 1 << 16;

  private final GuestMemory memory;
  private final byte[] buffer = new byte[ENTRY];
  private final long fixed;
  private final long refused;

  /** GITS_BASER. */
  long base;

  ItsTable(GuestMemory memory, int type, boolean indirect) {
    this.memory = memory;
    fixed = (long) type << 56 | (long) (ENTRY - 1) << 48;
    refused = indirect ? 0 : INDIRECT;
    base = fixed | 3L << 59 | 1 << 10 | 2 << 8;
  }

  /** A write to GITS_BASER, of all its bits. */
  void write(long value) {
    long now = value & ~READ_ONLY & ~refused | fixed;
    base = ItsRegisters.cacheable(now) & ~(3L << 8) | 2 << 8;
  }

  boolean isValid() {
    return (base & VALID) != 0;
  }

  void invalidate() {
    base &= ~VALID;
  }

  boolean isIndirect() {
    return (base & INDIRECT) != 0;
  }

  /** The first level's address; the field's upper bits are at the lower end. */
  long address() {
    return base & 0xffff_ffff_0000L | (base >>> 12 & 0xf) << 48;
  }

  /** The first level's length in bytes. */
  int size() {
    return ((int) (base & 0xff) + 1) * PAGE;
  }

  /** The address of the entry of an id, where it is in memory; else {@link #NONE}. */
  long entry(int id) {
    if (id < 0 || id >= IDS) {
      return NONE;
    }
    long at;
    if (!isIndirect()) {
      if (id >= size() / ENTRY) {
        return NONE;
      }
      at = address() + (long) id * ENTRY;
    } else {
      int index = id / (PAGE / ENTRY);
      if (index >= size() / ENTRY
          || !memory.read(address() + (long) index * ENTRY, buffer, 0, ENTRY)) {
        return NONE;
      }
      long page = Bytes.load(buffer, 0);
      if (page >= 0) {
        return NONE;
      }
      at = pageAddress(page) + (long) (id % (PAGE / ENTRY)) * ENTRY;
    }
    return memory.isMapped(at) ? at : NONE;
  }

  /** Of an entry of the first level of two: the page's address. */
  static long pageAddress(long entry) {
    return entry & PAGE_ADDRESS;
  }
}
