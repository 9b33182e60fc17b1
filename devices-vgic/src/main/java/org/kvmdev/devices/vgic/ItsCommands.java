package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.GuestMemory;

/**
 * The commands of an ITS: IHI 0069, chapter 5.3. One that is wrong (an id that no table has room
 * for, an event that is not mapped) does nothing; the guest is not told. The LPIs' monitor is held.
 */
final class ItsCommands {
  private static final int MOVI = 0x01;
  private static final int INT = 0x03;
  private static final int CLEAR = 0x04;
  private static final int MAPD = 0x08;
  private static final int MAPC = 0x09;
  private static final int MAPTI = 0x0a;
  private static final int MAPI = 0x0b;
  private static final int INV = 0x0c;
  private static final int INVALL = 0x0d;
  private static final int MOVALL = 0x0e;
  private static final int DISCARD = 0x0f;

  private static final int EVENT_BITS = 16;
  private static final long TABLE_ADDRESS = 0x000f_ffff_ffff_ff00L;

  private final Vgic vgic;
  private final Its its;
  private final GuestMemory memory;
  private final byte[] entry = new byte[ItsTable.ENTRY];

  ItsCommands(Vgic vgic, Its its) {
    this.vgic = vgic;
    this.its = its;
    memory = vgic.machine.memory();
  }

  /** Runs a command of four words. SYNC, and what is no command, does nothing. */
  void run(long word0, long word1, long word2, long word3) {
    int device = (int) (word0 >>> 32);
    int event = (int) word1;
    int collection = (int) word2 & 0xffff;
    int target = (int) (word2 >>> 16);
    boolean valid = word2 < 0;
    switch ((int) word0 & 0xff) {
      case MAPD -> mapDevice(device, valid, ((int) word1 & 0x1f) + 1, word2 & TABLE_ADDRESS);
      case MAPC -> mapCollection(collection, valid, target);
      case MAPTI -> mapEvent(device, event, (int) (word1 >>> 32), collection);
      case MAPI -> mapEvent(device, event, event, collection);
      case MOVI -> moveEvent(device, event, collection);
      case MOVALL -> moveAll(target, (int) (word3 >>> 16));
      case DISCARD -> discard(device, event);
      case CLEAR -> clear(device, event);
      case INT -> its.interrupt(device, event);
      case INV -> {
        ItsMappings.Event mapped = its.mappings.find(device, event);
        if (mapped != null) {
          vgic.lpis.readConfigurationIfThere(mapped.interrupt());
        }
      }
      case INVALL -> {
        ItsMappings.Collection of = its.mappings.collection(collection);
        if (of != null && of.target != ItsMappings.Collection.NOWHERE) {
          vgic.lpis.invalidateAll(vgic.cpu(of.target));
        }
      }
      default -> {}
    }
  }

  private boolean isVcpu(int index) {
    return index >= 0 && index < vgic.cpuCount();
  }

  private void mapDevice(int id, boolean valid, int eventBits, long table) {
    long at = its.deviceTable.entry(id);
    if (at == ItsTable.NONE || valid && eventBits > EVENT_BITS) {
      return;
    }
    ItsMappings.Device device = its.mappings.device(id);
    if (device != null) {
      its.mappings.removeDevice(device);
    }
    if (valid) {
      its.mappings.addDevice(id, table, eventBits);
    } else {
      erase(at);
    }
  }

  private void erase(long at) {
    Bytes.store(entry, 0, 0);
    memory.write(at, entry, 0, ItsTable.ENTRY);
  }

  private void mapCollection(int id, boolean valid, int target) {
    if (!isVcpu(target)) {
      return;
    }
    if (!valid) {
      its.mappings.removeCollection(id);
      vgic.lpis.cache.clear();
      return;
    }
    ItsMappings.Collection collection = its.mappings.collection(id);
    if (collection != null) {
      collection.target = target;
      retarget(collection);
    } else if (its.collectionTable.entry(id) != ItsTable.NONE) {
      its.mappings.addCollection(id).target = target;
    }
  }

  private void retarget(ItsMappings.Collection collection) {
    VgicCpu target = vgic.cpu(collection.target);
    for (ItsMappings.Device device : its.mappings.devices.values()) {
      for (ItsMappings.Event event = device.events; event != null; event = event.next) {
        if (event.collection == collection) {
          vgic.retarget(event.interrupt(), target);
        }
      }
    }
  }

  private void mapEvent(int deviceId, int event, int intid, int collectionId) {
    ItsMappings.Device device = its.mappings.device(deviceId);
    if (device == null
        || !its.hasEvent(device, event)
        || intid < Interrupt.FIRST_LPI
        || intid >= vgic.lpis.limit()
        || its.mappings.find(deviceId, event) != null) {
      return;
    }
    ItsMappings.Collection collection = its.mappings.collection(collectionId);
    boolean added = collection == null;
    if (collection == null) {
      if (its.collectionTable.entry(collectionId) == ItsTable.NONE) {
        return;
      }
      collection = its.mappings.addCollection(collectionId);
    }
    try {
      its.mappings.addEvent(device, event, collection, intid, target(collection));
    } catch (KvmException e) {
      if (added) {
        its.mappings.removeCollection(collectionId);
      }
    }
  }

  /** The vCPU of a collection; null where it goes nowhere. */
  private @Nullable VgicCpu target(ItsMappings.Collection collection) {
    return its.target(collection);
  }

  private void moveEvent(int device, int event, int collectionId) {
    ItsMappings.Event mapped = its.mappings.find(device, event);
    ItsMappings.Collection collection = its.mappings.collection(collectionId);
    if (mapped == null || !mapped.isRouted() || collection == null) {
      return;
    }
    VgicCpu target = target(collection);
    if (target != null) {
      mapped.collection = collection;
      vgic.lpis.cache.clear();
      vgic.retarget(mapped.interrupt(), target);
    }
  }

  private void moveAll(int from, int to) {
    if (isVcpu(from) && isVcpu(to) && from != to) {
      vgic.lpis.moveAll(vgic.cpu(from), vgic.cpu(to));
      vgic.lpis.cache.clear();
    }
  }

  private void discard(int device, int event) {
    ItsMappings.Event mapped = its.mappings.find(device, event);
    if (mapped != null && mapped.isRouted()) {
      vgic.lpis.cache.clear();
      its.mappings.remove(mapped);
      erase(mapped.device.table + (long) event * ItsTable.ENTRY);
    }
  }

  private void clear(int device, int event) {
    ItsMappings.Event mapped = its.mappings.find(device, event);
    if (mapped != null) {
      Interrupt irq = mapped.interrupt();
      VgicCpu home = irq.lock();
      irq.latch = false;
      vgic.changed(irq);
      home.unlock();
    }
  }
}
