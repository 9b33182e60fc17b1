package org.kvmdev.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.MmioBus;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Vcpu;

/**
 * The MMIO bus: regions sorted by base in an array that is replaced, never changed, so that
 * accesses take no lock. A vCPU tries the region of its last access first, where no other can be
 * meant; that halves what the bus costs.
 */
final class Bus implements MmioBus {
  /** The kernel's NR_IOBUS_DEVS. */
  static final int MOST_REGIONS = 1000;

  private static final KvmException FULL =
      KvmException.constant(
          Errno.ENOSPC, "the MMIO bus has 1000 regions already; remove one before adding another");

  private final ReentrantLock lock = new ReentrantLock();
  private volatile Table table = new Table(List.of());

  @Override
  public Region add(long base, long size, MmioHandler handler) throws KvmException {
    Entry entry = new Entry(base, size, handler);
    lock.lock();
    try {
      List<Entry> entries = table.list();
      if (entries.size() >= MOST_REGIONS) {
        throw FULL;
      }
      int at = entries.size();
      while (at > 0 && Long.compareUnsigned(entries.get(at - 1).base, base) > 0) {
        at--;
      }
      entries.add(at, entry);
      replace(entries);
      return entry;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void remove(Region region) {
    lock.lock();
    try {
      List<Entry> entries = table.list();
      if (region instanceof Entry entry && entries.remove(entry)) {
        entry.alone(false);
        replace(entries);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Puts a new table in place; the lock is held. */
  private void replace(List<Entry> entries) {
    Table next = new Table(entries);
    for (int i = 0; i < entries.size(); i++) {
      if (next.isOverlapped(i)) {
        entries.get(i).alone(false);
      }
    }
    table = next;
    for (int i = 0; i < entries.size(); i++) {
      if (!next.isOverlapped(i)) {
        entries.get(i).alone(true);
      }
    }
  }

  @Override
  public @Nullable MmioHandler find(long address) {
    Table now = table;
    Entry[] all = now.entries;
    int at = now.firstCandidate(address);
    for (; at < all.length && Long.compareUnsigned(all[at].base, address) <= 0; at++) {
      if (all[at].contains(address, 1)) {
        return all[at].handler;
      }
    }
    return null;
  }

  @Override
  public List<Region> regions() {
    return List.copyOf(table.list());
  }

  /**
   * A load; tells the vCPU when nobody took it.
   *
   * @return what was read, or 0
   */
  long read(VirtualCpu vcpu, long address, int size) throws KvmException {
    Entry known = known(vcpu, address, size);
    return known != null ? known.read(vcpu, address, size) : readFirst(vcpu, address, size);
  }

  /** The region of an access, where it is one of those that the vCPU accessed before. */
  private static @Nullable Entry known(VirtualCpu vcpu, long address, int size) {
    Entry last = vcpu.lastRegion;
    if (last.hasAlone(address, size)) {
      return last;
    }
    Entry other = vcpu.otherRegion;
    return other.hasAlone(address, size) ? other : null;
  }

  private long readFirst(VirtualCpu vcpu, long address, int size) throws KvmException {
    Table now = table;
    for (int at = now.firstCandidate(address); now.reaches(at, address); at++) {
      Entry entry = now.entries[at];
      if (entry.contains(address, size)) {
        vcpu.otherRegion = vcpu.lastRegion;
        vcpu.lastRegion = entry;
        long value = entry.read(vcpu, address, size);
        if (!vcpu.declined) {
          return value;
        }
      }
    }
    vcpu.declined = true;
    return 0;
  }

  /** A store; tells the vCPU when nobody took it. */
  void write(VirtualCpu vcpu, long address, int size, long value) throws KvmException {
    Entry known = known(vcpu, address, size);
    if (known != null) {
      known.write(vcpu, address, size, value);
    } else {
      writeFirst(vcpu, address, size, value);
    }
  }

  private void writeFirst(VirtualCpu vcpu, long address, int size, long value) throws KvmException {
    Table now = table;
    for (int at = now.firstCandidate(address); now.reaches(at, address); at++) {
      Entry entry = now.entries[at];
      if (entry.contains(address, size)) {
        vcpu.otherRegion = vcpu.lastRegion;
        vcpu.lastRegion = entry;
        entry.write(vcpu, address, size, value);
        if (!vcpu.declined) {
          return;
        }
      }
    }
    vcpu.declined = true;
  }

  /** The regions at one time. */
  private static final class Table {
    final Entry[] entries;

    /** For each region, the highest last address of it and all before it. */
    final long[] reaches;

    Table(List<Entry> sorted) {
      entries = sorted.toArray(Entry[]::new);
      reaches = new long[entries.length];
      long reach = 0;
      for (int i = 0; i < entries.length; i++) {
        long last = entries[i].last();
        reach = Long.compareUnsigned(last, reach) > 0 ? last : reach;
        reaches[i] = reach;
      }
    }

    List<Entry> list() {
      return new ArrayList<>(List.of(entries));
    }

    /** Whether another region has an address that this one has, too. */
    boolean isOverlapped(int at) {
      Entry entry = entries[at];
      return at > 0 && Long.compareUnsigned(reaches[at - 1], entry.base) >= 0
          || at + 1 < entries.length
              && Long.compareUnsigned(entries[at + 1].base, entry.last()) <= 0;
    }

    /** Whether there is a region of this index, and it begins at or below an address. */
    boolean reaches(int at, long address) {
      return at < entries.length && Long.compareUnsigned(entries[at].base, address) <= 0;
    }

    /** The first region that can reach an address: all before it end below. */
    int firstCandidate(long address) {
      int low = 0;
      int high = reaches.length;
      while (low < high) {
        int middle = low + high >>> 1;
        if (Long.compareUnsigned(reaches[middle], address) < 0) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      return low;
    }
  }

  /** One region. */
  static final class Entry implements Region {
    /** What a vCPU that has accessed no region accessed last. */
    static final Entry NONE = new Entry(0, 0, new Nobody());

    /**
     * How many bytes, from its base, are this region's alone: all, where it is on the bus and no
     * other overlaps it, so that whoever accesses it need not look for one that is before it; else
     * none.
     */
    private volatile long alone;

    private final long base;
    private final long size;
    private final MmioHandler handler;

    Entry(long base, long size, MmioHandler handler) {
      this.base = base;
      this.size = size;
      this.handler = handler;
    }

    void alone(boolean is) {
      alone = is ? size : 0;
    }

    /** Whether an access is to bytes that are this region's alone. */
    boolean hasAlone(long address, int length) {
      long offset = address - base;
      return offset >= 0 && offset <= alone - length;
    }

    boolean contains(long address, int length) {
      long offset = address - base;
      return offset >= 0 && offset <= size - length;
    }

    long last() {
      return base + size - 1;
    }

    long read(VirtualCpu vcpu, long address, int length) throws KvmException {
      vcpu.declined = false;
      long value;
      try {
        value = handler.read(vcpu, address - base, length);
      } catch (RuntimeException | Error fault) {
        throw Containment.contain(fault, handler);
      }
      return vcpu.declined ? 0 : low(value, length);
    }

    void write(VirtualCpu vcpu, long address, int length, long value) throws KvmException {
      vcpu.declined = false;
      try {
        handler.write(vcpu, address - base, length, low(value, length));
      } catch (RuntimeException | Error fault) {
        throw Containment.contain(fault, handler);
      }
    }

    /** A number of 1 to 8 bytes; of a shift, its lowest six bits count. */
    private static long low(long value, int length) {
      return value & -1L >>> -8 * length;
    }

    @Override
    public long base() {
      return base;
    }

    @Override
    public long size() {
      return size;
    }
  }

  /** Who answers in a region that has no address. */
  private static final class Nobody implements MmioHandler {
    @Override
    public long read(Vcpu vcpu, long offset, int size) {
      return vcpu.decline();
    }

    @Override
    public long write(Vcpu vcpu, long offset, int size, long value) {
      return vcpu.decline();
    }
  }
}
