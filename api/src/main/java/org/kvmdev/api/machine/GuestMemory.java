package org.kvmdev.api.machine;

/**
 * The guest's physical memory, as slots map it to the client's. Copies go page by page: a write
 * that fails has written the pages before. The caller holds its own locks; nothing is allocated.
 */
public interface GuestMemory {
  /**
   * Copies from the guest.
   *
   * @param address a guest physical address
   * @param to what receives the bytes
   * @param at the first index in {@code to}
   * @param length how many
   * @return false where a byte is in no slot
   */
  boolean read(long address, byte[] to, int at, int length);

  /**
   * Copies to the guest.
   *
   * @param address a guest physical address
   * @param from what is copied
   * @param at the first index in {@code from}
   * @param length how many
   * @return false where a byte is in no slot, or in one that is read-only
   */
  boolean write(long address, byte[] from, int at, int length);

  /**
   * Whether an address is in a slot.
   *
   * @param address a guest physical address
   * @return true where it is
   */
  boolean isMapped(long address);
}
