package org.kvmdev.api.machine;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.KvmException;

/**
 * The addresses at which a VM's devices answer. An access matches a region only if it lies wholly
 * inside; where several match they are tried in the order of their base addresses, and of equal
 * ones in the order of being added. That regions may not overlap is not the bus's business.
 */
public interface MmioBus {
  /**
   * Adds a region; at any time, also from a port's call.
   *
   * @param base its first guest physical address
   * @param size its length in bytes
   * @param handler who answers
   * @return the region, for {@link #remove}
   * @throws KvmException ENOSPC above 1000 regions
   */
  Region add(long base, long size, MmioHandler handler) throws KvmException;

  /**
   * Removes a region; one that is not there any more is left alone.
   *
   * @param region what {@link #add} answered
   */
  void remove(Region region);

  /**
   * Who answers at an address.
   *
   * @param address a guest physical address
   * @return the first match's handler, or null
   */
  @Nullable MmioHandler find(long address);

  /**
   * The regions that there are, for people and tests: accesses do not need it.
   *
   * @return the regions at this moment, in the order in which they are tried
   */
  List<Region> regions();

  /** A region on the bus. */
  interface Region {
    /**
     * Its begin.
     *
     * @return a guest physical address
     */
    long base();

    /**
     * Its length.
     *
     * @return bytes
     */
    long size();
  }
}
