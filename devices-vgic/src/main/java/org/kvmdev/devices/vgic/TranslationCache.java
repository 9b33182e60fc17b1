package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.machine.DeviceLock;

/**
 * The translations used last, of all ITSs: from a doorbell, a device and an event to an LPI, so
 * that a message costs no walk. It holds 16 for each vCPU, and the one that was used longest ago
 * gives way. What it holds can be seen: a translation stays in use after what it came from is
 * changed, as long as no command drops it.
 */
final class TranslationCache {
  private static final int PER_VCPU = 16;

  private final Lpis lpis;
  private final DeviceLock lock = new DeviceLock();

  /** The head of the ring of entries, in the order of use; null before there are any. */
  private @Nullable Entry recent;

  private @Nullable Entry[] buckets = new Entry[0];

  TranslationCache(Lpis lpis) {
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

  /** The LPI of a translation that is cached; null where it is not. */
  @Nullable Interrupt look(long doorbell, int device, int event) {
    Interrupt found = null;
    lock.lock();
    Entry head = recent;
    if (head != null) {
      Entry entry = find(doorbell, device, event);
      if (entry != null && entry.lpi != null) {
        use(entry, head);
        found = entry.lpi.irq;
      }
    }
    lock.unlock();
    return found;
  }

  /** Caches a translation. The LPIs' monitor is held. */
  void add(long doorbell, int device, int event, Lpis.Lpi lpi) {
    Lpis.Lpi dropped = null;
    lock.lock();
    Entry head = recent;
    if (head != null) {
      Entry known = find(doorbell, device, event);
      if (known != null) {
        use(known, head);
      } else {
        Entry oldest = head.newer;
        dropped = oldest.lpi;
        if (dropped != null) {
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
    if (dropped != null) {
      lpis.release(dropped);
    }
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
