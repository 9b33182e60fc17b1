package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;

/**
 * What the registers with bits for each interrupt do, which distributors and redistributors share:
 * a read gathers the interrupts' states, a write changes them one by one. Each is given the first
 * INTID and the number of bytes of the access; {@code cpu} is whose SGIs and PPIs are meant.
 */
final class InterruptRegisters {
  private final Vgic vgic;

  InterruptRegisters(Vgic vgic) {
    this.vgic = vgic;
  }

  private @Nullable Interrupt at(VgicCpu cpu, int intid) {
    return vgic.interrupt(cpu, intid);
  }

  /** Where the interrupts of an access are: a vCPU's own, or the SPIs. */
  private Interrupt[] bank(VgicCpu cpu, int intid) {
    return intid < Interrupt.PRIVATE ? cpu.own : vgic.spis();
  }

  /** The place of an interrupt in its bank. */
  private static int place(int intid) {
    return intid < Interrupt.PRIVATE ? intid : intid - Interrupt.PRIVATE;
  }

  private boolean isV2Sgi(Interrupt irq) {
    return irq.isSgi() && vgic.isV2();
  }

  // IGROUPR.

  long readGroup(VgicCpu cpu, int intid, int size) {
    Interrupt[] bank = bank(cpu, intid);
    int first = place(intid);
    int count = Math.min(size * 8, bank.length - first);
    long value = 0;
    for (int i = 0; i < count; i++) {
      value |= (bank[first + i].group1 ? 1L : 0) << i;
    }
    return value;
  }

  void writeGroup(VgicCpu cpu, int intid, int size, long value) {
    for (int i = 0; i < size * 8; i++) {
      Interrupt irq = at(cpu, intid + i);
      if (irq != null) {
        VgicCpu home = irq.lock();
        irq.group1 = (value >> i & 1) != 0;
        vgic.queue(irq);
        home.unlock();
      }
    }
  }

  // ISENABLER, ICENABLER.

  long readEnable(VgicCpu cpu, int intid, int size) {
    Interrupt[] bank = bank(cpu, intid);
    int first = place(intid);
    int count = Math.min(size * 8, bank.length - first);
    long value = 0;
    for (int i = 0; i < count; i++) {
      value |= (bank[first + i].enabled ? 1L : 0) << i;
    }
    return value;
  }

  void enable(VgicCpu cpu, int intid, long value, boolean user) {
    for (long bits = value; bits != 0; bits &= bits - 1) {
      Interrupt irq = at(cpu, intid + Long.numberOfTrailingZeros(bits));
      if (irq != null) {
        VgicCpu home = irq.lock();
        if (!user && irq.mapped && !irq.edge) {
          irq.line = GenericTimers.OUTPUT;
        }
        irq.enabled = true;
        vgic.queue(irq);
        home.unlock();
      }
    }
  }

  void disable(VgicCpu cpu, int intid, long value) {
    for (long bits = value; bits != 0; bits &= bits - 1) {
      Interrupt irq = at(cpu, intid + Long.numberOfTrailingZeros(bits));
      if (irq != null) {
        VgicCpu home = irq.lock();
        irq.enabled = false;
        vgic.changed(irq);
        home.unlock();
      }
    }
  }

  // ISPENDR, ICPENDR.

  /** What the guest reads: the latch or the line. */
  long readPending(VgicCpu cpu, int intid, int size) {
    Interrupt[] bank = bank(cpu, intid);
    int first = place(intid);
    int count = Math.min(size * 8, bank.length - first);
    long value = 0;
    for (int i = 0; i < count; i++) {
      Interrupt irq = bank[first + i];
      boolean pending = irq.mapped && !irq.edge ? GenericTimers.OUTPUT : irq.isPending();
      value |= (pending ? 1L : 0) << i;
    }
    return value;
  }

  /** What user space reads: of a GICv3 the latch alone, since the line is saved apart. */
  long readPendingForUser(VgicCpu cpu, int intid, int size) {
    boolean latchAlone = vgic.isV3();
    Interrupt[] bank = bank(cpu, intid);
    int first = place(intid);
    int count = Math.min(size * 8, bank.length - first);
    long value = 0;
    for (int i = 0; i < count; i++) {
      Interrupt irq = bank[first + i];
      value |= ((latchAlone ? irq.latch : irq.isPending()) ? 1L : 0) << i;
    }
    return value;
  }

  /** A guest's write to ISPENDR; the SGIs of a GICv2 ignore it. */
  void setPending(VgicCpu cpu, int intid, long value) {
    for (long bits = value; bits != 0; bits &= bits - 1) {
      Interrupt irq = at(cpu, intid + Long.numberOfTrailingZeros(bits));
      if (irq != null && !isV2Sgi(irq)) {
        VgicCpu home = irq.lock();
        irq.latch = true;
        vgic.queue(irq);
        home.unlock();
      }
    }
  }

  /** A guest's write to ICPENDR; the SGIs of a GICv2 ignore it. */
  void clearPending(VgicCpu cpu, int intid, long value) {
    for (long bits = value; bits != 0; bits &= bits - 1) {
      Interrupt irq = at(cpu, intid + Long.numberOfTrailingZeros(bits));
      if (irq != null && !isV2Sgi(irq)) {
        VgicCpu home = irq.lock();
        irq.latch = false;
        vgic.changed(irq);
        home.unlock();
      }
    }
  }

  /** User space's write to a GICv2's ISPENDR: an SGI's source is unknown, so it is the target. */
  void setPendingForUserV2(VgicCpu cpu, int intid, long value) {
    for (long bits = value; bits != 0; bits &= bits - 1) {
      Interrupt irq = at(cpu, intid + Long.numberOfTrailingZeros(bits));
      if (irq != null) {
        VgicCpu home = irq.lock();
        irq.latch = true;
        if (irq.isSgi()) {
          irq.sources |= 1 << cpu.id & 0xff;
        }
        vgic.queue(irq);
        home.unlock();
      }
    }
  }

  /** User space's write to a GICv2's ICPENDR: an SGI is not pending from any source any more. */
  void clearPendingForUserV2(VgicCpu cpu, int intid, long value) {
    for (long bits = value; bits != 0; bits &= bits - 1) {
      Interrupt irq = at(cpu, intid + Long.numberOfTrailingZeros(bits));
      if (irq != null) {
        VgicCpu home = irq.lock();
        irq.sources = 0;
        irq.latch = false;
        vgic.changed(irq);
        home.unlock();
      }
    }
  }

  /** User space's write to a GICv3's ISPENDR: sets and clears, as a restore needs. */
  void writePendingForUserV3(VgicCpu cpu, int intid, int size, long value) {
    for (int i = 0; i < size * 8; i++) {
      Interrupt irq = at(cpu, intid + i);
      if (irq != null) {
        VgicCpu home = irq.lock();
        irq.latch = (value >> i & 1) != 0;
        if (irq.latch) {
          vgic.queue(irq);
        } else {
          vgic.changed(irq);
        }
        home.unlock();
      }
    }
  }

  // ISACTIVER, ICACTIVER.

  /** What the guest reads: other vCPUs leave the guest for it, so that it is true. */
  long readActive(VgicCpu cpu, int intid, int size) {
    if (vgic.isV3() || intid >= Interrupt.PRIVATE) {
      vgic.kickAll();
    }
    return readActiveForUser(cpu, intid, size);
  }

  long readActiveForUser(VgicCpu cpu, int intid, int size) {
    Interrupt[] bank = bank(cpu, intid);
    int first = place(intid);
    int count = Math.min(size * 8, bank.length - first);
    long value = 0;
    for (int i = 0; i < count; i++) {
      value |= (bank[first + i].active ? 1L : 0) << i;
    }
    return value;
  }

  /**
   * A write to ISACTIVER or ICACTIVER.
   *
   * @param writer the vCPU that writes, which becomes the source of an SGI; null for user space
   */
  void changeActive(VgicCpu cpu, int intid, long value, boolean active, @Nullable VgicCpu writer) {
    for (long bits = value; bits != 0; bits &= bits - 1) {
      Interrupt irq = at(cpu, intid + Long.numberOfTrailingZeros(bits));
      if (irq != null) {
        VgicCpu home = irq.lock();
        home.pause();
        if (!irq.mapped || writer != null) {
          irq.active = active;
          if (!irq.mapped && active && isV2Sgi(irq)) {
            irq.activeSource = writer == null ? 0 : writer.id;
          }
        }
        if (irq.active) {
          vgic.queue(irq);
        } else {
          vgic.changed(irq);
        }
        home.kick();
        home.unlock();
      }
    }
  }

  // IPRIORITYR.

  long readPriority(VgicCpu cpu, int intid, int size) {
    Interrupt[] bank = bank(cpu, intid);
    int first = place(intid);
    int count = Math.min(size, bank.length - first);
    long value = 0;
    for (int i = 0; i < count; i++) {
      value |= (long) bank[first + i].priority << i * 8;
    }
    return value;
  }

  void writePriority(VgicCpu cpu, int intid, int size, long value) {
    for (int i = 0; i < size; i++) {
      Interrupt irq = at(cpu, intid + i);
      if (irq != null) {
        VgicCpu home = irq.lock();
        irq.priority = (int) (value >> i * 8) & Interrupt.PRIORITY_MASK;
        vgic.changed(irq);
        home.unlock();
      }
    }
  }

  // ICFGR.

  long readConfig(VgicCpu cpu, int intid, int size) {
    Interrupt[] bank = bank(cpu, intid);
    int first = place(intid);
    int count = Math.min(size * 4, bank.length - first);
    long value = 0;
    for (int i = 0; i < count; i++) {
      value |= (bank[first + i].edge ? 2L : 0) << i * 2;
    }
    return value;
  }

  /** SGIs stay edge-triggered and PPIs level-sensitive. */
  void writeConfig(VgicCpu cpu, int intid, int size, long value) {
    for (int i = 0; i < size * 4; i++) {
      Interrupt irq = at(cpu, intid + i);
      if (irq != null && irq.intid >= Interrupt.PRIVATE) {
        VgicCpu home = irq.lock();
        irq.edge = (value >> i * 2 & 2) != 0;
        vgic.changed(irq);
        home.unlock();
      }
    }
  }

  // The input lines (KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO), which no register of the hardware shows.

  long readLines(VgicCpu cpu, int intid) {
    long value = 0;
    for (int i = 0; i < 32; i++) {
      Interrupt irq = line(cpu, intid + i);
      value |= irq != null && !irq.edge && irq.line ? 1L << i : 0;
    }
    return value;
  }

  void writeLines(VgicCpu cpu, int intid, long value) {
    for (int i = 0; i < 32; i++) {
      Interrupt irq = line(cpu, intid + i);
      if (irq != null) {
        VgicCpu home = irq.lock();
        irq.line = (value >> i & 1) != 0;
        if (irq.line) {
          vgic.queue(irq);
        } else {
          vgic.changed(irq);
        }
        home.unlock();
      }
    }
  }

  private @Nullable Interrupt line(VgicCpu cpu, int intid) {
    return intid < Interrupt.SGIS ? null : at(cpu, intid);
  }
}
