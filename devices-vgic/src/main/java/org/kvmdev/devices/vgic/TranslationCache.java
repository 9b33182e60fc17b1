package org.kvmdev.devices.vgic;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.machine.DeviceLock;

/**
 * The translations used last, of all ITSs: from a doorbell, a device and an event to an LPI, so
 * that a message costs no walk. It holds 16 for each vCPU, and the one that was used longest ago
 * gives way. What it holds can be seen: a translation stays in use after what it came from is
 * changed, as long as no command drops it.
 *
 * <p>A message that finds its LPI here holds none of the ITSs' locks, so the LPI may be unmapped at
 * the same time. Who unmaps drops the translations first, and then looks with the lock of the LPI's
 * home held whether it is pending anywhere; a message looks with that lock held whether
 * translations were dropped since it found its own. So it is either before, and seen, or finds no
 * translation any more.
 */
final class TranslationCache {
  private static final int PER_VCPU = 16;

  private final Vgic vgic;
  private final Lpis lpis;
  private final DeviceLock lock = new DeviceLock();

  /** The head of the ring of entries, in the order of use; null before there are any. */
  private @Nullable Entry recent;

  private @Nullable Entry[] buckets = new Entry[0];

  /** How often all translations were dropped. */
  private volatile int dropped;

  TranslationCache(Vgic vgic, Lpis lpis) {
    this.vgic = vgic;
    this.lpis = lpis;
  }

  /** A translation, or room for one. */
  private static final class Entry {
    long doorbell;
    int device;
    int event;
    Lpis.@Nullable Lpi lpi;
    Entry newer = this;
    Entry older = this;
    @Nullable Entry nextInBucket;
  }

  /** Makes room, once; where there are no vCPUs there is none. */
  void size(int vcpus) {
    lock.lock();
    try {
      if (recent == null && vcpus != 0) {
        buckets = new Entry[Integer.highestOneBit(vcpus * PER_VCPU) * 2];
        recent = new Entry();
        for (int i = 1; i < vcpus * PER_VCPU; i++) {
          insertBefore(recent, new Entry());
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private static void insertBefore(Entry place, Entry entry) {
    Entry newer = place.newer;
    entry.newer = newer;
    entry.older = place;
    newer.older = entry;
    place.newer = entry;
  }

  private void use(Entry entry, Entry head) {
    if (entry != head) {
      entry.newer.older = entry.older;
      entry.older.newer = entry.newer;
      insertBefore(head, entry);
      recent = entry;
    }
  }

  private int bucket(long doorbell, int device, int event) {
    int hash = (int) (doorbell >>> 16) * 31 + device;
    hash = (hash * 31 + event) * 0x9e37_79b1;
    return (hash ^ hash >>> 15) & buckets.length - 1;
  }

  private @Nullable Entry find(long doorbell, int device, int event) {
    Entry entry = buckets[bucket(doorbell, device, event)];
    while (entry != null
        && (entry.event != event || entry.device != device || entry.doorbell != doorbell)) {
      entry = entry.nextInBucket;
    }
    return entry;
  }

  /**
   * Makes the LPI of a message pending, where its translation is cached.
   *
   * @return whether it is
   */
  boolean deliver(long doorbell, int device, int event) {
    for (; ; ) {
      Interrupt found = null;
      lock.lock();
      int seen = dropped;
      Entry head = recent;
      if (head != null) {
        Entry entry = find(doorbell, device, event);
        if (entry != null && entry.lpi != null) {
          use(entry, head);
          found = entry.lpi.irq;
        }
      }
      lock.unlock();
      if (found == null) {
        return false;
      }
      VgicCpu home = found.lock();
      boolean stands = dropped == seen;
      if (stands) {
        vgic.deliver(found);
      }
      home.unlock();
      if (stands) {
        return true;
      }
    }
  }

  /** Caches a translation. The LPIs' monitor is held. */
  void add(long doorbell, int device, int event, Lpis.Lpi lpi) {
    Lpis.Lpi gaveWay = null;
    lock.lock();
    Entry head = recent;
    if (head != null) {
      Entry known = find(doorbell, device, event);
      if (known != null) {
        use(known, head);
      } else {
        Entry oldest = head.newer;
        gaveWay = oldest.lpi;
        if (gaveWay != null) {
          unlink(oldest);
        }
        lpi.references++;
        oldest.doorbell = doorbell;
        oldest.device = device;
        oldest.event = event;
        oldest.lpi = lpi;
        int bucket = bucket(doorbell, device, event);
        oldest.nextInBucket = buckets[bucket];
        buckets[bucket] = oldest;
        use(oldest, head);
      }
    }
    lock.unlock();
    if (gaveWay != null) {
      // Its event is mapped still: unmapping would have dropped it.
      lpis.release(gaveWay);
    }
  }

  /** The LPIs that are cached, each as often as it is. */
  List<Lpis.Lpi> cached() {
    List<Lpis.Lpi> all = new ArrayList<>();
    lock.lock();
    try {
      Entry entry = recent;
      while (entry != null && entry.lpi != null) {
        all.add(entry.lpi);
        entry = entry.older == recent ? null : entry.older;
      }
    } finally {
      lock.unlock();
    }
    return all;
  }

  private void unlink(Entry entry) {
    int bucket = bucket(entry.doorbell, entry.device, entry.event);
    Entry at = buckets[bucket];
    if (at == entry) {
      buckets[bucket] = entry.nextInBucket;
      return;
    }
    while (at != null) {
      if (at.nextInBucket == entry) {
        at.nextInBucket = entry.nextInBucket;
        return;
      }
      at = at.nextInBucket;
    }
  }

  /** Drops all translations. The LPIs' monitor is held. */
  void clear() {
    lock.lock();
    try {
      dropped++;
      Entry entry = recent;
      while (entry != null && entry.lpi != null) {
        Lpis.Lpi lpi = entry.lpi;
        unlink(entry);
        entry.lpi = null;
        entry.nextInBucket = null;
        lpis.release(lpi);
        entry = entry.older;
      }
    } finally {
      lock.unlock();
    }
  }
}
