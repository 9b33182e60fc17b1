package org.kvmdev.runtime;

import java.util.BitSet;

/**
 * Which pages of a memory slot were written by the guest, as far as it writes through this process:
 * what devices write for it. What an emulator's CPU stores by itself is the emulator's to tell.
 */
final class DirtyLog {
  private final int pages;

  /** Guarded by this: the pages that are otherwise than all are at the begin. */
  private final BitSet changed = new BitSet();

  private final boolean allAtFirst;

  /**
   * A log.
   *
   * @param pages how many pages the slot has
   * @param allAtFirst whether all are dirty at the begin
   */
  DirtyLog(int pages, boolean allAtFirst) {
    this.pages = pages;
    this.allAtFirst = allAtFirst;
  }

  int pages() {
    return pages;
  }

  /** The bitmap's length: whole words of the kernel's. */
  static int bytes(int pages, int wordBits) {
    return (pages + wordBits - 1) / wordBits * (wordBits / 8);
  }

  synchronized void mark(int page) {
    changed.set(page, !allAtFirst);
  }

  synchronized boolean isDirty(int page) {
    return changed.get(page) != allAtFirst;
  }

  synchronized void clear(int page) {
    changed.set(page, allAtFirst);
  }
}
