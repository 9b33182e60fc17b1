package org.kvmdev.devices.vgic;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.GuestMemory;

/**
 * SAVE_TABLES and RESTORE_TABLES: an ITS's mappings in guest memory, in the layout of revision 0
 * (arm-vgic-its.rst, "ITS Table ABI REV0"). The LPIs' monitor is held.
 */
final class ItsTables {
  private static final long VALID = 1L << 63;
  private static final int MAX_DEVICE_STEP = (1 << 14) - 1;
  private static final int MAX_EVENT_STEP = (1 << 16) - 1;
  private static final int EVENT_BITS = 16;

  private static final KvmException NOT_THERE =
      KvmException.constant(Errno.EFAULT, "a table of the ITS is not in the guest's memory");
  private static final KvmException NO_ROOM =
      KvmException.constant(Errno.EINVAL, "an ITS's table has no room for an id that it needs");
  private static final KvmException BAD_ENTRY =
      KvmException.constant(
          Errno.EINVAL,
          "an entry of the ITS's tables names an LPI, vCPU, event or collection that"
              + " cannot be");
  private static final KvmException NOT_EMPTY =
      KvmException.constant(
          Errno.EEXIST, "the ITS has a collection of the table's already: RESET it before");

  private final Vgic vgic;
  private final Its its;
  private final GuestMemory memory;
  private final byte[] buffer = new byte[ItsTable.ENTRY];

  ItsTables(Vgic vgic, Its its) {
    this.vgic = vgic;
    this.its = its;
    memory = vgic.machine.memory();
  }

  private void store(long at, long value) throws KvmException {
    Bytes.store(buffer, 0, value);
    if (!memory.write(at, buffer, 0, ItsTable.ENTRY)) {
      throw NOT_THERE;
    }
  }

  private long load(long at) throws KvmException {
    if (!memory.read(at, buffer, 0, ItsTable.ENTRY)) {
      throw NOT_THERE;
    }
    return Bytes.load(buffer, 0);
  }

  // Saving.

  void save() throws KvmException {
    if (its.deviceTable.isValid()) {
      Iterator<ItsMappings.Device> devices = its.mappings.devices.values().iterator();
      ItsMappings.Device device = devices.hasNext() ? devices.next() : null;
      while (device != null) {
        ItsMappings.Device next = devices.hasNext() ? devices.next() : null;
        long at = its.deviceTable.entry(device.id);
        if (at == ItsTable.NONE) {
          throw NO_ROOM;
        }
        saveEvents(device);
        long step = next == null ? 0 : Math.min(next.id - device.id, MAX_DEVICE_STEP);
        store(at, VALID | step << 49 | device.table >>> 8 << 5 | device.eventBits - 1);
        device = next;
      }
    }
    if (its.collectionTable.isValid()) {
      saveCollections();
    }
  }

  private void saveEvents(ItsMappings.Device device) throws KvmException {
    List<ItsMappings.Event> events = new ArrayList<>();
    for (ItsMappings.Event event = device.events; event != null; event = event.next) {
      events.add(event);
    }
    events.sort(Comparator.comparingInt(event -> event.id));
    for (int i = 0; i < events.size(); i++) {
      ItsMappings.Event event = events.get(i);
      long at = device.table + (long) event.id * ItsTable.ENTRY;
      if (event.collection.removed) {
        store(at, 0);
      } else {
        boolean isLast = i + 1 == events.size();
        long step = isLast ? 0 : Math.min(events.get(i + 1).id - event.id, MAX_EVENT_STEP);
        long intid = Integer.toUnsignedLong(event.interrupt().intid);
        store(at, step << 48 | intid << 16 | event.collection.id);
      }
    }
  }

  private void saveCollections() throws KvmException {
    long at = its.collectionTable.address();
    long end = at + its.collectionTable.size();
    for (ItsMappings.Collection collection : its.mappings.collections.values()) {
      store(at, VALID | Integer.toUnsignedLong(collection.target) << 16 | collection.id);
      at += ItsTable.ENTRY;
    }
    if (at != end) {
      store(at, 0);
    }
  }

  // Restoring.

  /** What fails leaves nothing mapped. */
  void restore() throws KvmException {
    try {
      if (its.collectionTable.isValid()) {
        restoreCollections();
      }
    } catch (KvmException e) {
      its.mappings.removeCollections();
      throw e;
    }
    try {
      if (its.deviceTable.isValid()) {
        restoreDevices();
      }
    } catch (KvmException e) {
      its.mappings.removeDevices();
      its.mappings.removeCollections();
      throw e;
    }
  }

  private void restoreCollections() throws KvmException {
    long at = its.collectionTable.address();
    long end = at + its.collectionTable.size();
    for (; at < end; at += ItsTable.ENTRY) {
      long entry = load(at);
      if ((entry & VALID) == 0) {
        return;
      }
      int target = (int) (entry >>> 16);
      int id = (int) entry & 0xffff;
      if (target != ItsMappings.Collection.NOWHERE && (target < 0 || target >= vgic.cpuCount())) {
        throw BAD_ENTRY;
      }
      if (its.mappings.collection(id) != null) {
        throw NOT_EMPTY;
      }
      if (its.collectionTable.entry(id) == ItsTable.NONE) {
        throw NO_ROOM;
      }
      its.mappings.addCollection(id).target = target;
    }
  }

  private void restoreDevices() throws KvmException {
    long table = its.deviceTable.address();
    int size = its.deviceTable.size();
    if (!its.deviceTable.isIndirect()) {
      restoreDevices(table, size, 0);
      return;
    }
    for (int index = 0; index < size / ItsTable.ENTRY; index++) {
      long entry = load(table + (long) index * ItsTable.ENTRY);
      if ((entry & VALID) != 0
          && restoreDevices(
              ItsTable.pageAddress(entry),
              ItsTable.PAGE,
              index * (ItsTable.PAGE / ItsTable.ENTRY))) {
        return;
      }
    }
  }

  /** Each entry says how far the next is; whether the last was found. */
  private boolean restoreDevices(long table, int size, int firstId) throws KvmException {
    int count = size / ItsTable.ENTRY;
    for (int index = 0; index < count; ) {
      long entry = load(table + (long) index * ItsTable.ENTRY);
      int step = 1;
      if ((entry & VALID) != 0) {
        restoreDevice(firstId + index, entry);
        step = (int) (entry >>> 49) & MAX_DEVICE_STEP;
        if (step == 0) {
          return true;
        }
      }
      index += step;
    }
    return false;
  }

  private void restoreDevice(int id, long entry) throws KvmException {
    int eventBits = ((int) entry & 0x1f) + 1;
    if (eventBits > EVENT_BITS) {
      throw BAD_ENTRY;
    }
    if (its.deviceTable.entry(id) == ItsTable.NONE) {
      throw NO_ROOM;
    }
    long table = (entry >>> 5 & (1L << 44) - 1) << 8;
    ItsMappings.Device device = its.mappings.addDevice(id, table, eventBits);
    try {
      restoreEvents(device);
    } catch (KvmException e) {
      its.mappings.removeDevice(device);
      throw e;
    }
  }

  private void restoreEvents(ItsMappings.Device device) throws KvmException {
    int count = 1 << device.eventBits;
    for (int id = 0; id < count; ) {
      long entry = load(device.table + (long) id * ItsTable.ENTRY);
      int intid = (int) (entry >>> 16);
      int step = 1;
      if (intid != 0) {
        step = (int) (entry >>> 48);
        ItsMappings.Collection collection = its.mappings.collection((int) entry & 0xffff);
        if (Integer.compareUnsigned(intid, Interrupt.FIRST_LPI) < 0
            || id + step >= count
            || collection == null
            || !its.hasEvent(device, id)) {
          throw BAD_ENTRY;
        }
        its.mappings.addEvent(device, id, collection, intid, its.target(collection));
        if (step == 0) {
          return;
        }
      }
      id += step;
    }
  }
}
