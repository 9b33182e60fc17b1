package org.kvmdev.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.MmioBus;
import org.kvmdev.api.machine.MmioHandler;

/**
 * The MMIO bus: regions sorted by base in an array that is replaced, never changed, so that
 * accesses take no lock.
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
      table = new Table(entries);
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
      entries.removeIf(entry -> entry == region);
      table = new Table(entries);
    } finally {
      lock.unlock();
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
    Table now = table;
    Entry[] all = now.entries;
    for (int at = now.firstCandidate(address);
        at < all.length && Long.compareUnsigned(all[at].base, address) <= 0;
        at++) {
      Entry entry = all[at];
      if (!entry.contains(address, size)) {
        continue;
      }
      vcpu.declined = false;
      long value;
      try {
        value = entry.handler.read(vcpu, address - entry.base, size);
      } catch (RuntimeException | Error fault) {
        throw Containment.contain(fault, entry.handler);
      }
      if (!vcpu.declined) {
        return size == 8 ? value : value & (1L << size * 8) - 1;
      }
    }
    vcpu.declined = true;
    return 0;
  }

  /** A store; tells the vCPU when nobody took it. */
  void write(VirtualCpu vcpu, long address, int size, long value) throws KvmException {
    Table now = table;
    Entry[] all = now.entries;
    long data = size == 8 ? value : value & (1L << size * 8) - 1;
    for (int at = now.firstCandidate(address);
        at < all.length && Long.compareUnsigned(all[at].base, address) <= 0;
        at++) {
      Entry entry = all[at];
      if (!entry.contains(address, size)) {
        continue;
      }
      vcpu.declined = false;
      try {
        entry.handler.write(vcpu, address - entry.base, size, data);
      } catch (RuntimeException | Error fault) {
        throw Containment.contain(fault, entry.handler);
      }
      if (!vcpu.declined) {
        return;
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
        long last = entries[i].base + entries[i].size - 1;
        reach = Long.compareUnsigned(last, reach) > 0 ? last : reach;
        reaches[i] = reach;
      }
    }

    List<Entry> list() {
      return new ArrayList<>(List.of(entries));
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
  private static final class Entry implements Region {
    final long base;
    final long size;
    final MmioHandler handler;

    Entry(long base, long size, MmioHandler handler) {
      this.base = base;
      this.size = size;
      this.handler = handler;
    }

    boolean contains(long address, int length) {
      long offset = address - base;
      return offset >= 0 && offset <= size - length;
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
}
