package org.kvmdev.devices.vgic;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.MmioBus;

/**
 * The regions in which a GICv3's redistributors lie, one after the other in the order in which
 * vCPUs were made. A client gives either one region that is as long as there are vCPUs, or numbered
 * ones, each for so many.
 */
final class RedistributorRegions {
  /** The two frames of 64 KiB of one redistributor. */
  static final long REDISTRIBUTOR_SIZE = 0x2_0000;

  private static final KvmException OVERLAP =
      KvmException.constant(
          Errno.EINVAL, "a redistributor region overlaps the distributor or does not fit");
  private static final KvmException NOT_PLACED =
      KvmException.constant(
          Errno.ENXIO,
          "a vCPU has no place in a redistributor region: set regions for all before the first"
              + " run");

  private final Vgic vgic;
  private final List<Region> regions = new ArrayList<>();

  /** Counts the changes, so that what was found once need not be looked for again. */
  private volatile int changes;

  RedistributorRegions(Vgic vgic) {
    this.vgic = vgic;
  }

  /** A region; a count of 0 is the one that is as long as there are vCPUs. */
  static final class Region {
    final int index;
    final long base;
    final int count;

    /** How many redistributors are in it. */
    int placed;

    Region(int index, long base, int count) {
      this.index = index;
      this.base = base;
      this.count = count;
    }

    private long size(int vcpus) {
      return (count == 0 ? vcpus : count) * REDISTRIBUTOR_SIZE;
    }

    private boolean hasRoom() {
      return count == 0 || placed < count;
    }

    private boolean overlaps(long from, long size, int vcpus) {
      return Long.compareUnsigned(from + size, base) > 0
          && Long.compareUnsigned(from, base + size(vcpus)) < 0;
    }
  }

  /** The base of the first region; {@link AddressMap#UNSET} where there is none. */
  synchronized long base() {
    return regions.isEmpty() ? AddressMap.UNSET : regions.get(0).base;
  }

  /** The region of an index, or null. */
  synchronized @Nullable Region region(int index) {
    return index < regions.size() ? regions.get(index) : null;
  }

  /**
   * Adds a region, and places the vCPUs that have no redistributor yet.
   *
   * @param index its number; 0 for the first
   * @param base where it begins
   * @param count for how many redistributors; 0 for as many as there are vCPUs
   * @throws KvmException EINVAL, EEXIST or E2BIG
   */
  synchronized void add(int index, long base, int count) throws KvmException {
    int vcpus = vgic.cpuCount();
    Region region = new Region(index, base, count);
    long size = region.size(vcpus);
    if (Long.compareUnsigned(base + size, base) < 0) {
      throw new KvmException(Errno.EINVAL, "%#x is at the end of all addresses", base);
    }
    checkIndex(region);
    long distributor = vgic.addresses.distributor();
    if (count == 0
        && distributor != AddressMap.UNSET
        && region.overlaps(distributor, AddressMap.V3_DISTRIBUTOR_SIZE, vcpus)) {
      throw OVERLAP;
    }
    for (Region other : regions) {
      if (other.overlaps(base, size, vcpus)) {
        throw new KvmException(
            Errno.EINVAL, "%#x overlaps redistributor region %d", base, other.index);
      }
    }
    vgic.addresses.check(AddressMap.UNSET, base, AddressMap.V3_ALIGNMENT, size);
    regions.add(region);
    try {
      placeAll(region, vcpus);
    } finally {
      changes++;
    }
  }

  private void checkIndex(Region region) throws KvmException {
    if (regions.isEmpty()) {
      if (region.index != 0) {
        throw new KvmException(
            Errno.EINVAL, "redistributor region %d: the first index is 0", region.index);
      }
      return;
    }
    Region last = regions.get(regions.size() - 1);
    if (region.count == 0) {
      throw last.count == 0
          ? new KvmException(Errno.EEXIST, "the redistributors are at %#x already", last.base)
          : new KvmException(
              Errno.EINVAL, "the redistributors are in numbered regions: use REDIST_REGION", 0);
    }
    if (region.index != last.index + 1) {
      throw new KvmException(
          Errno.EINVAL,
          "redistributor region %d: the next index is %d",
          region.index,
          last.index + 1);
    }
  }

  private void placeAll(Region region, int vcpus) throws KvmException {
    for (int i = 0; i < vcpus; i++) {
      try {
        place(vgic.cpu(i), vcpus);
      } catch (KvmException e) {
        // As in the kernel, those before it lose their place on the bus, in earlier regions too.
        for (int j = 0; j < i; j++) {
          remove(vgic.cpu(j).redistributor);
        }
        regions.remove(region);
        for (int j = 0; j < vcpus; j++) {
          Redistributor redistributor = vgic.cpu(j).redistributor;
          if (redistributor.region == region) {
            redistributor.region = null;
          }
        }
        throw e;
      }
    }
  }

  private void remove(Redistributor redistributor) {
    MmioBus.Region mapped = redistributor.mapped;
    if (mapped != null) {
      vgic.machine.mmio().remove(mapped);
    }
  }

  /**
   * Places a vCPU's redistributor in the first region that has room; without one, it waits.
   *
   * @param cpu the vCPU
   * @param vcpus how many vCPUs there are, which is the length of an unnumbered region
   * @throws KvmException EINVAL where regions overlap
   */
  synchronized void place(VgicCpu cpu, int vcpus) throws KvmException {
    Redistributor redistributor = cpu.redistributor;
    if (redistributor.mapped != null) {
      return;
    }
    for (Region region : regions) {
      if (region.hasRoom()) {
        check(vcpus);
        redistributor.region = region;
        redistributor.indexInRegion = region.placed;
        redistributor.mapped =
            vgic.machine
                .mmio()
                .add(
                    region.base + region.placed * REDISTRIBUTOR_SIZE,
                    REDISTRIBUTOR_SIZE,
                    redistributor);
        region.placed++;
        changes++;
        return;
      }
    }
  }

  /** Takes back the place of the redistributor that was placed last. */
  synchronized void forget(Redistributor redistributor) {
    Region region = redistributor.region;
    if (region != null) {
      remove(redistributor);
      region.placed--;
      changes++;
    }
  }

  /**
   * Whether the regions fit and do not overlap the distributor.
   *
   * @param vcpus how many vCPUs there are
   * @throws KvmException EINVAL where not
   */
  synchronized void check(int vcpus) throws KvmException {
    long distributor = vgic.addresses.distributor();
    if (distributor != AddressMap.UNSET
        && Long.compareUnsigned(distributor + AddressMap.V3_DISTRIBUTOR_SIZE, distributor) < 0) {
      throw OVERLAP;
    }
    for (Region region : regions) {
      try {
        vgic.addresses.check(
            AddressMap.UNSET, region.base, AddressMap.V3_ALIGNMENT, region.size(vcpus));
      } catch (KvmException e) {
        throw OVERLAP;
      }
    }
    if (distributor != AddressMap.UNSET) {
      for (Region region : regions) {
        if (region.overlaps(distributor, AddressMap.V3_DISTRIBUTOR_SIZE, vcpus)) {
          throw OVERLAP;
        }
      }
    }
  }

  /** That every vCPU has its redistributor. */
  synchronized void checkAllPlaced() throws KvmException {
    for (int index = 0; index < vgic.cpuCount(); index++) {
      if (vgic.cpu(index).redistributor.mapped == null) {
        throw NOT_PLACED;
      }
    }
  }

  /** How often regions, or what is in them, changed. */
  int changes() {
    return changes;
  }

  /** Whether a redistributor is the last of a row of them: GICR_TYPER.Last. */
  synchronized boolean isLast(Redistributor redistributor) {
    Region region = redistributor.region;
    if (region == null || redistributor.indexInRegion < region.placed - 1) {
      return false;
    }
    if (region.count != 0 && redistributor.indexInRegion == region.count - 1) {
      long end = region.base + region.count * REDISTRIBUTOR_SIZE;
      for (Region other : regions) {
        if (other.base == end && other.placed > 0) {
          return false;
        }
      }
    }
    return true;
  }
}
