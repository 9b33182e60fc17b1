package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;

/**
 * What the registers with bits for each interrupt do, which distributors and redistributors share.
 * Each access is given the first INTID; {@code cpu} is whose SGIs and PPIs are meant. Registers
 * with a bit or two for each interrupt take accesses of 32 bits alone, and so of whole words.
 */
final class InterruptRegisters {
  private static final long WORD = 0xffff_ffffL;

  /** Of the two bits that ICFGR has for each interrupt, the one that says edge-triggered. */
  private static final int EDGE_BITS = 0xaaaa_aaaa;

  private final Vgic vgic;

  InterruptRegisters(Vgic vgic) {
    this.vgic = vgic;
  }

  private InterruptBank bank(VgicCpu cpu, int intid) {
    return intid < Interrupt.PRIVATE ? cpu.bank : vgic.bank(intid);
  }

  // Reads.

  /** IGROUPR. */
  long readGroup(VgicCpu cpu, int intid) {
    return bank(cpu, intid).group1() & WORD;
  }

  /** ISENABLER, ICENABLER. */
  long readEnable(VgicCpu cpu, int intid) {
    return bank(cpu, intid).enabled() & WORD;
  }

  /**
   * ISPENDR and ICPENDR, as the guest reads them: the latch or the line.
   *
   * @param reader the vCPU that reads; it leaves the guest for it
   */
  long readPending(VgicCpu reader, VgicCpu cpu, int intid) {
    boolean running = reader.trap();
    long value = 0;
    Interrupt[] interrupts = bank(cpu, intid).interrupts;
    for (int i = 0; i < InterruptBank.SIZE; i++) {
      Interrupt irq = interrupts[i];
      boolean pending = irq.mapped && !irq.edge ? GenericTimers.OUTPUT : irq.isPending();
      value |= (pending ? 1L : 0) << i;
    }
    reader.resume(running);
    return value;
  }

  /** What user space reads: of a GICv3 the latch alone, since the line is saved apart. */
  long readPendingForUser(VgicCpu cpu, int intid) {
    boolean latchAlone = vgic.isV3();
    long value = 0;
    Interrupt[] interrupts = bank(cpu, intid).interrupts;
    for (int i = 0; i < InterruptBank.SIZE; i++) {
      Interrupt irq = interrupts[i];
      value |= ((latchAlone ? irq.latch : irq.isPending()) ? 1L : 0) << i;
    }
    return value;
  }

  /**
   * ISACTIVER and ICACTIVER, as the guest reads them: other vCPUs leave the guest for it too, so
   * that it is true.
   *
   * @param reader the vCPU that reads
   */
  long readActive(VgicCpu reader, VgicCpu cpu, int intid) {
    boolean running = reader.trap();
    if (vgic.isV3() || intid >= Interrupt.PRIVATE) {
      vgic.kickAll();
    }
    long value = readActiveForUser(cpu, intid);
    reader.resume(running);
    return value;
  }

  long readActiveForUser(VgicCpu cpu, int intid) {
    long value = 0;
    Interrupt[] interrupts = bank(cpu, intid).interrupts;
    for (int i = 0; i < InterruptBank.SIZE; i++) {
      value |= (interrupts[i].active ? 1L : 0) << i;
    }
    return value;
  }

  /** IPRIORITYR. */
  long readPriority(VgicCpu cpu, int intid, int size) {
    long value = 0;
    Interrupt[] interrupts = bank(cpu, intid).interrupts;
    int first = intid % InterruptBank.SIZE;
    for (int i = 0; i < size; i++) {
      value |= (long) interrupts[first + i].priority << i * 8;
    }
    return value;
  }

  /** ICFGR. */
  long readConfig(VgicCpu cpu, int intid) {
    int edge = bank(cpu, intid).edge() >>> intid % InterruptBank.SIZE;
    return Integer.expand(edge, EDGE_BITS) & WORD;
  }

  /** The input lines (KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO), which no register of the hardware shows. */
  long readLines(VgicCpu cpu, int intid) {
    if (!hasBank(intid)) {
      return 0;
    }
    long value = 0;
    Interrupt[] interrupts = bank(cpu, intid).interrupts;
    for (int i = 0; i < InterruptBank.SIZE; i++) {
      Interrupt irq = interrupts[i];
      value |= !irq.isSgi() && !irq.edge && irq.line ? 1L << i : 0;
    }
    return value;
  }

  private boolean hasBank(int intid) {
    return intid < vgic.interruptCount();
  }

  // Writes.

  /** What a write does to each interrupt that it concerns. */
  private enum Change {
    GROUP,
    ENABLE,
    ENABLE_BY_USER,
    DISABLE,
    SET_PENDING,
    CLEAR_PENDING,
    SET_PENDING_BY_USER_V2,
    CLEAR_PENDING_BY_USER_V2,
    WRITE_PENDING_BY_USER_V3,
    ACTIVATE,
    DEACTIVATE,
    PRIORITY,
    CONFIG,
    LINE
  }

  /** IGROUPR. */
  void writeGroup(VgicCpu cpu, int intid, long value) {
    change(Change.GROUP, cpu, intid, -1, 1, value, null);
  }

  /** ISENABLER. */
  void enable(VgicCpu cpu, int intid, long value, boolean user) {
    Change change = user ? Change.ENABLE_BY_USER : Change.ENABLE;
    change(change, cpu, intid, (int) value, 1, value, null);
  }

  /** ICENABLER. */
  void disable(VgicCpu cpu, int intid, long value) {
    change(Change.DISABLE, cpu, intid, (int) value, 1, value, null);
  }

  /** A guest's write to ISPENDR; the SGIs of a GICv2 ignore it. */
  void setPending(VgicCpu cpu, int intid, long value) {
    change(Change.SET_PENDING, cpu, intid, (int) value, 1, value, null);
  }

  /** A guest's write to ICPENDR; the SGIs of a GICv2 ignore it. */
  void clearPending(VgicCpu cpu, int intid, long value) {
    change(Change.CLEAR_PENDING, cpu, intid, (int) value, 1, value, null);
  }

  /** User space's write to a GICv2's ISPENDR: an SGI's source is unknown, so it is the target. */
  void setPendingForUserV2(VgicCpu cpu, int intid, long value) {
    change(Change.SET_PENDING_BY_USER_V2, cpu, intid, (int) value, 1, value, cpu);
  }

  /** User space's write to a GICv2's ICPENDR: an SGI is not pending from any source any more. */
  void clearPendingForUserV2(VgicCpu cpu, int intid, long value) {
    change(Change.CLEAR_PENDING_BY_USER_V2, cpu, intid, (int) value, 1, value, null);
  }

  /** User space's write to a GICv3's ISPENDR: sets and clears, as a restore needs. */
  void writePendingForUserV3(VgicCpu cpu, int intid, long value) {
    change(Change.WRITE_PENDING_BY_USER_V3, cpu, intid, -1, 1, value, null);
  }

  /**
   * A write to ISACTIVER or ICACTIVER.
   *
   * @param writer the vCPU that writes, which becomes the source of an SGI; null for user space
   */
  void changeActive(VgicCpu cpu, int intid, long value, boolean active, @Nullable VgicCpu writer) {
    Change change = active ? Change.ACTIVATE : Change.DEACTIVATE;
    change(change, cpu, intid, (int) value, 1, value, writer);
  }

  /** IPRIORITYR. */
  void writePriority(VgicCpu cpu, int intid, int size, long value) {
    change(Change.PRIORITY, cpu, intid, (1 << size) - 1, 8, value, null);
  }

  /** ICFGR; SGIs stay edge-triggered and PPIs level-sensitive. */
  void writeConfig(VgicCpu cpu, int intid, long value) {
    if (intid >= Interrupt.PRIVATE) {
      change(Change.CONFIG, cpu, intid, 0xffff, 2, value, null);
    }
  }

  /** The input lines, of all but SGIs. */
  void writeLines(VgicCpu cpu, int intid, long value) {
    if (hasBank(intid)) {
      int which = intid < Interrupt.SGIS ? -1 << Interrupt.SGIS : -1;
      change(Change.LINE, cpu, intid, which, 1, value, null);
    }
  }

  /**
   * Changes interrupts one after the other. Those that follow each other and have the same home
   * share its lock, as long as there is nothing to be told without it.
   *
   * @param which a bit for each interrupt that is concerned
   * @param width how many bits of the value each has
   * @param value the value written
   */
  private void change(
      Change change,
      VgicCpu cpu,
      int intid,
      int which,
      int width,
      long value,
      @Nullable VgicCpu writer) {
    InterruptBank bank = bank(cpu, intid);
    int first = intid % InterruptBank.SIZE;
    VgicCpu home = null;
    for (int bits = which; bits != 0; bits &= bits - 1) {
      int i = Integer.numberOfTrailingZeros(bits);
      Interrupt irq = bank.interrupts[first + i];
      if (home != null && home != irq.home) {
        home.unlock();
        home = null;
      }
      if (home == null) {
        home = irq.lock();
      }
      change(change, bank, irq, home, (int) (value >>> i * width), writer);
      if (home.hasToTell()) {
        home.unlock();
        home = null;
      }
    }
    if (home != null) {
      home.unlock();
    }
  }

  private void change(
      Change change,
      InterruptBank bank,
      Interrupt irq,
      VgicCpu home,
      int value,
      @Nullable VgicCpu writer) {
    boolean one = (value & 1) != 0;
    switch (change) {
      case GROUP -> {
        bank.group(irq, one);
        queueIfDue(irq);
      }
      case ENABLE -> {
        if (irq.mapped && !irq.edge) {
          irq.line = GenericTimers.OUTPUT;
        }
        bank.enable(irq, true);
        queueIfDue(irq);
      }
      case ENABLE_BY_USER -> {
        bank.enable(irq, true);
        queueIfDue(irq);
      }
      case DISABLE -> {
        bank.enable(irq, false);
        vgic.changed(irq);
      }
      case SET_PENDING -> {
        if (!isV2Sgi(irq)) {
          irq.latch = true;
          vgic.queue(irq);
        }
      }
      case CLEAR_PENDING -> {
        if (!isV2Sgi(irq)) {
          irq.latch = false;
          vgic.changed(irq);
        }
      }
      case SET_PENDING_BY_USER_V2 -> {
        irq.latch = true;
        if (irq.isSgi() && writer != null) {
          irq.sources |= 1 << writer.id & 0xff;
        }
        vgic.queue(irq);
      }
      case CLEAR_PENDING_BY_USER_V2 -> {
        irq.sources = 0;
        irq.latch = false;
        vgic.changed(irq);
      }
      case WRITE_PENDING_BY_USER_V3 -> {
        irq.latch = one;
        queueOrNote(irq, one);
      }
      case ACTIVATE -> changeActive(irq, home, true, writer);
      case DEACTIVATE -> changeActive(irq, home, false, writer);
      case PRIORITY -> {
        irq.priority = value & Interrupt.PRIORITY_MASK;
        vgic.changed(irq);
      }
      case CONFIG -> {
        bank.trigger(irq, (value & 2) != 0);
        vgic.changed(irq);
      }
      case LINE -> {
        irq.line = one;
        queueOrNote(irq, one);
      }
    }
  }

  private boolean isV2Sgi(Interrupt irq) {
    return irq.isSgi() && vgic.isV2();
  }

  /** Queues an interrupt unless it is neither pending nor active: such a one is in no queue. */
  private void queueIfDue(Interrupt irq) {
    if (irq.queued || irq.active || irq.isPending()) {
      vgic.queue(irq);
    }
  }

  private void queueOrNote(Interrupt irq, boolean due) {
    if (due) {
      vgic.queue(irq);
    } else {
      vgic.changed(irq);
    }
  }

  private void changeActive(Interrupt irq, VgicCpu home, boolean active, @Nullable VgicCpu writer) {
    home.pause();
    if (!irq.mapped || writer != null) {
      irq.active = active;
      if (!irq.mapped && active && isV2Sgi(irq)) {
        irq.activeSource = writer == null ? 0 : writer.id;
      }
    }
    queueOrNote(irq, irq.active);
    home.kick();
  }
}
