package org.kvmdev.devices.vgic;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.KvmException;

/**
 * What an ITS's commands mapped: devices with their events, and collections. The tables in guest
 * memory hold it only after SAVE_TABLES. IHI 0069, chapter 5.2. The LPIs' monitor is held.
 */
final class ItsMappings {
  private static final int IDS = 1 << 16;

  /** By number, so in the order in which they are saved. */
  final TreeMap<Integer, Device> devices = new TreeMap<>();

  /** In the order in which they came, in which they are saved. */
  final Map<Integer, Collection> collections = new LinkedHashMap<>();

  private final Lpis lpis;
  private @Nullable Event[] buckets = new Event[16];
  private int count;

  ItsMappings(Lpis lpis) {
    this.lpis = lpis;
  }

  /** A device, which has an interrupt translation table. */
  static final class Device {
    final int id;
    final long table;
    final int eventBits;

    /** Its events, the newest first. */
    @Nullable Event events;

    Device(int id, long table, int eventBits) {
      this.id = id;
      this.table = table;
      this.eventBits = eventBits;
    }
  }

  /** A collection of events, which all go to one redistributor. */
  static final class Collection {
    static final int NOWHERE = -1;

    final int id;

    /** The index of the vCPU. */
    int target = NOWHERE;

    boolean removed;

    Collection(int id) {
      this.id = id;
    }
  }

  /** An event of a device, which is mapped to an LPI. */
  static final class Event {
    final Device device;
    final int id;
    Collection collection;
    Lpis.@Nullable Lpi lpi;
    private @Nullable Event nextInBucket;
    @Nullable Event next;
    private @Nullable Event previous;

    Event(Device device, int id, Collection collection) {
      this.device = device;
      this.id = id;
      this.collection = collection;
    }

    /** Whether its collection goes to a redistributor. */
    boolean isRouted() {
      return !collection.removed && collection.target != Collection.NOWHERE;
    }

    Interrupt interrupt() {
      Lpis.Lpi mapped = lpi;
      if (mapped == null) {
        throw new AssertionError("an event is mapped to an LPI when it is made");
      }
      return mapped.irq;
    }
  }

  private static int key(int device, int event) {
    return device << 16 | event;
  }

  private static int hash(int key) {
    int mixed = key * 0x9e37_79b1;
    return mixed ^ mixed >>> 15;
  }

  /** Finds an event by what a message says; both are 32 bits without a sign. */
  @Nullable Event find(int device, int event) {
    if ((device | event) >>> 16 != 0) {
      return null;
    }
    Event found = buckets[hash(key(device, event)) & buckets.length - 1];
    while (found != null && (found.id != event || found.device.id != device)) {
      found = found.nextInBucket;
    }
    return found;
  }

  @Nullable Device device(int id) {
    return devices.get(id);
  }

  @Nullable Collection collection(int id) {
    return collections.get(id);
  }

  Device addDevice(int id, long table, int eventBits) {
    Device old = devices.get(id);
    if (old != null) {
      removeDevice(old);
    }
    Device device = new Device(id, table, eventBits);
    devices.put(id, device);
    return device;
  }

  void removeDevice(Device device) {
    while (device.events != null) {
      remove(device.events);
    }
    lpis.cache.clear();
    devices.remove(device.id);
  }

  void removeDevices() {
    while (!devices.isEmpty()) {
      removeDevice(devices.firstEntry().getValue());
    }
  }

  Collection addCollection(int id) {
    Collection collection = new Collection(id);
    collections.put(id, collection);
    return collection;
  }

  /** Removes a collection; its events stay, without one. */
  void removeCollection(int id) {
    Collection collection = collections.remove(id);
    if (collection != null) {
      collection.removed = true;
    }
  }

  void removeCollections() {
    collections.values().forEach(collection -> collection.removed = true);
    collections.clear();
  }

  /**
   * Maps an event of a device to an LPI.
   *
   * @throws KvmException where its tables are not in memory, or there are too many
   */
  void addEvent(Device device, int id, Collection collection, int intid, @Nullable VgicCpu target)
      throws KvmException {
    if (id >= IDS) {
      throw new AssertionError("event " + id + " was checked");
    }
    lpis.countEvent();
    Event event = new Event(device, id, collection);
    try {
      event.lpi = lpis.map(intid, target);
    } catch (KvmException e) {
      lpis.uncountEvent();
      throw e;
    }
    enter(event);
    Event behind = device.events;
    event.next = behind;
    if (behind != null) {
      behind.previous = event;
    }
    device.events = event;
  }

  private void enter(Event event) {
    if (count++ == buckets.length) {
      Event[] old = buckets;
      buckets = new Event[2 * old.length];
      for (Event chain : old) {
        Event each = chain;
        while (each != null) {
          Event following = each.nextInBucket;
          link(each);
          each = following;
        }
      }
    }
    link(event);
  }

  private void link(Event event) {
    int bucket = hash(key(event.device.id, event.id)) & buckets.length - 1;
    event.nextInBucket = buckets[bucket];
    buckets[bucket] = event;
  }

  /** Unmaps an event. */
  void remove(Event event) {
    int bucket = hash(key(event.device.id, event.id)) & buckets.length - 1;
    Event at = buckets[bucket];
    if (at == event) {
      buckets[bucket] = event.nextInBucket;
    } else {
      while (at != null && at.nextInBucket != event) {
        at = at.nextInBucket;
      }
      if (at != null) {
        at.nextInBucket = event.nextInBucket;
      }
    }
    count--;
    Event before = event.previous;
    Event behind = event.next;
    if (before == null) {
      event.device.events = behind;
    } else {
      before.next = behind;
    }
    if (behind != null) {
      behind.previous = before;
    }
    lpis.uncountEvent();
    if (event.lpi != null) {
      lpis.release(event.lpi);
    }
  }
}
