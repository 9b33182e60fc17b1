package org.kvmdev.devices.vgic;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.GuestMemory;

/**
 * A VM's locality-specific interrupts (LPIs), with what the guest keeps of them in its memory: the
 * configuration table, which all redistributors share, and each redistributor's pending table. IHI
 * 0069, chapter 5.1.
 *
 * <p>An LPI is there while an ITS maps an event to it, the translation cache has it, or it waits in
 * a vCPU's queue. This object's monitor guards the LPIs and all that the ITSs have; a vCPU's lock
 * is taken inside it, never the other way round.
 */
final class Lpis {
  /** How many events all ITSs of a VM may map: more than sixteen for each LPI that there can be. */
  static final int MAX_EVENTS = 1 << 20;

  private static final int ID_BITS = 16;
  private static final long CONFIGURATION_ADDRESS = 0x000f_ffff_ffff_f000L;
  private static final long PENDING_ADDRESS = 0x000f_ffff_ffff_0000L;
  private static final int ENABLED = 1;
  private static final int PRIORITY = 0xfc;

  /** How many LPIs that nobody maps may stay before they are looked through. */
  private static final int MANY_UNMAPPED = 1024;

  static final KvmException NO_MEMORY =
      KvmException.constant(
          Errno.EFAULT, "an LPI's configuration or pending table is not in the guest's memory");
  private static final KvmException TOO_MANY =
      KvmException.constant(Errno.ENOMEM, "the VM's ITSs map 1048576 events, and not more");

  final TranslationCache cache;

  private final Vgic vgic;
  private final GuestMemory memory;
  private final byte[] buffer = new byte[8];
  private final Map<Integer, Lpi> byIntid = new HashMap<>();
  private @Nullable Lpi first;
  private @Nullable Lpi last;
  private int events;
  private int unmapped;

  Lpis(Vgic vgic) {
    this.vgic = vgic;
    memory = vgic.machine.memory();
    cache = new TranslationCache(vgic, this);
  }

  /** An LPI, in the order in which they came. */
  static final class Lpi {
    final Interrupt irq;

    /** How many events and cached translations lead to it. */
    int references;

    @Nullable Lpi previous;
    @Nullable Lpi next;

    Lpi(Interrupt irq) {
      this.irq = irq;
    }
  }

  /** The first INTID that is beyond those that PROPBASER makes room for. */
  int limit() {
    return 1 << Math.min((int) (vgic.propbaser & 0x1f) + 1, ID_BITS);
  }

  /** An event is mapped; refuses beyond what a VM may have. */
  void countEvent() throws KvmException {
    if (events == MAX_EVENTS) {
      throw TOO_MANY;
    }
    events++;
  }

  void uncountEvent() {
    events--;
  }

  int eventCount() {
    return events;
  }

  /** All LPIs that are there, in no order. */
  Collection<Lpi> all() {
    return byIntid.values();
  }

  /** Finds an LPI; null where there is none. */
  @Nullable Lpi find(int intid) {
    Lpi lpi = byIntid.get(intid);
    if (lpi != null && isGone(lpi)) {
      remove(lpi);
      return null;
    }
    return lpi;
  }

  /** User space drives an LPI as a line, without a message; whether there is one. */
  synchronized boolean inject(int intid, boolean level) {
    Lpi lpi = find(intid);
    if (lpi != null) {
      vgic.inject(lpi.irq, level, null);
    }
    return lpi != null;
  }

  /**
   * An LPI for an event, with a reference; made, and its configuration and pending state read, if
   * there is none.
   *
   * @param intid the INTID
   * @param target where it goes; null where nowhere
   * @return the LPI
   * @throws KvmException EFAULT where its tables are not in memory
   */
  Lpi map(int intid, @Nullable VgicCpu target) throws KvmException {
    Lpi known = find(intid);
    if (known != null) {
      if (known.references++ == 0) {
        unmapped--;
      }
      return known;
    }
    if (unmapped > MANY_UNMAPPED) {
      removeGone();
    }
    Interrupt irq = new Interrupt(intid, vgic.homeOf(target));
    irq.target = target;
    irq.edge = true;
    irq.group1 = true;
    Lpi lpi = new Lpi(irq);
    lpi.references = 1;
    append(lpi);
    try {
      readConfiguration(irq);
      readPending(irq);
    } catch (KvmException e) {
      release(lpi);
      throw e;
    }
    return lpi;
  }

  /** Drops a reference. */
  void release(Lpi lpi) {
    if (--lpi.references == 0) {
      unmapped++;
      if (isGone(lpi)) {
        remove(lpi);
      }
    }
  }

  private static boolean isGone(Lpi lpi) {
    if (lpi.references != 0) {
      return false;
    }
    Interrupt irq = lpi.irq;
    VgicCpu home = irq.lock();
    boolean waits = irq.queued || irq.queueWhenHome;
    home.unlock();
    return !waits;
  }

  private void append(Lpi lpi) {
    byIntid.put(lpi.irq.intid, lpi);
    Lpi end = last;
    lpi.previous = end;
    if (end == null) {
      first = lpi;
    } else {
      end.next = lpi;
    }
    last = lpi;
  }

  private void remove(Lpi lpi) {
    unmapped--;
    byIntid.remove(lpi.irq.intid);
    Lpi before = lpi.previous;
    Lpi behind = lpi.next;
    if (before == null) {
      first = behind;
    } else {
      before.next = behind;
    }
    if (behind == null) {
      last = before;
    } else {
      behind.previous = before;
    }
  }

  private void removeGone() {
    Lpi lpi = first;
    while (lpi != null) {
      Lpi behind = lpi.next;
      if (isGone(lpi)) {
        remove(lpi);
      }
      lpi = behind;
    }
  }

  /** The first LPI that is not gone, from one on. */
  private @Nullable Lpi present(@Nullable Lpi from) {
    Lpi lpi = from;
    while (lpi != null && isGone(lpi)) {
      Lpi behind = lpi.next;
      remove(lpi);
      lpi = behind;
    }
    return lpi;
  }

  // The configuration table.

  /** Reads an LPI's priority and enable from the configuration table. */
  void readConfiguration(Interrupt irq) throws KvmException {
    long table = vgic.propbaser & CONFIGURATION_ADDRESS;
    long entry = table + Integer.toUnsignedLong(irq.intid) - Interrupt.FIRST_LPI;
    if (!memory.read(entry, buffer, 0, 1)) {
      throw NO_MEMORY;
    }
    int value = buffer[0];
    VgicCpu home = irq.lock();
    irq.priority = value & PRIORITY;
    irq.enabled = (value & ENABLED) != 0;
    vgic.queue(irq);
    home.unlock();
  }

  /** Reads one LPI's configuration again. */
  void invalidate(int intid) {
    Lpi lpi = find(intid);
    if (lpi != null) {
      readConfigurationIfThere(lpi.irq);
    }
  }

  /** Reads the configuration of all LPIs of a vCPU again. */
  void invalidateAll(VgicCpu target) {
    for (Lpi lpi = present(first); lpi != null; lpi = present(lpi.next)) {
      if (lpi.irq.target == target) {
        readConfigurationIfThere(lpi.irq);
      }
    }
  }

  /** A table that is not in memory leaves the LPI as it is, since nobody can be told. */
  void readConfigurationIfThere(Interrupt irq) {
    try {
      readConfiguration(irq);
    } catch (KvmException e) {
      // As above.
    }
  }

  /** All LPIs of a vCPU become another's. */
  void moveAll(VgicCpu from, VgicCpu to) {
    for (Lpi lpi = present(first); lpi != null; lpi = present(lpi.next)) {
      if (lpi.irq.target == from) {
        vgic.retarget(lpi.irq, to);
      }
    }
  }

  // The pending tables.

  private static long pendingByte(VgicCpu target, int intid) {
    return (target.redistributor.pendbaser() & PENDING_ADDRESS) + (intid >>> 3);
  }

  /** Takes a new LPI's pending state out of its target's pending table. */
  private void readPending(Interrupt irq) throws KvmException {
    VgicCpu target = irq.target;
    if (target == null) {
      return;
    }
    long at = pendingByte(target, irq.intid);
    if (!memory.read(at, buffer, 0, 1)) {
      throw NO_MEMORY;
    }
    int bit = 1 << (irq.intid & 7);
    boolean pending = (buffer[0] & bit) != 0;
    makePending(irq, pending);
    if (pending) {
      buffer[0] &= (byte) ~bit;
      if (!memory.write(at, buffer, 0, 1)) {
        throw NO_MEMORY;
      }
    }
  }

  private void makePending(Interrupt irq, boolean pending) {
    VgicCpu home = irq.lock();
    irq.latch = pending;
    vgic.queue(irq);
    home.unlock();
  }

  /** A redistributor's LPIs are enabled: their pending states are those in its table. */
  synchronized void enable(VgicCpu target) {
    for (Lpi lpi = present(first); lpi != null; lpi = present(lpi.next)) {
      Interrupt irq = lpi.irq;
      if (irq.target == target) {
        if (!memory.read(pendingByte(target, irq.intid), buffer, 0, 1)) {
          return;
        }
        makePending(irq, (buffer[0] & 1 << (irq.intid & 7)) != 0);
      }
    }
  }

  /** A redistributor's LPIs are disabled: none is delivered any more. */
  synchronized void disable(VgicCpu target) {
    cache.clear();
    target.removeLpis();
  }

  /** SAVE_PENDING_TABLES. */
  synchronized void savePending() throws KvmException {
    for (Lpi lpi = present(first); lpi != null; lpi = present(lpi.next)) {
      Interrupt irq = lpi.irq;
      VgicCpu target = irq.target;
      if (target != null) {
        long at = pendingByte(target, irq.intid);
        if (!memory.read(at, buffer, 0, 1)) {
          throw NO_MEMORY;
        }
        int bit = 1 << (irq.intid & 7);
        if ((buffer[0] & bit) != 0 != irq.latch) {
          buffer[0] ^= (byte) bit;
          if (!memory.write(at, buffer, 0, 1)) {
            throw NO_MEMORY;
          }
        }
      }
    }
  }
}
