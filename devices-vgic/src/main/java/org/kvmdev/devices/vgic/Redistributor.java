package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.machine.MmioBus;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Vcpu;

/** A GICv3's redistributor: one vCPU's SGIs, PPIs and LPIs. IHI 0069, chapter 12.11. */
final class Redistributor implements MmioHandler {
  /** GICR_PENDBASER and GICR_PROPBASER after reset: inner shareable, read-allocate write-back. */
  static final long INITIAL_BASER = 1 << 10 | 3 << 7;

  private static final int IIDR = 0x4b00_043b;

  private static final int ENABLE_LPIS = 1;

  /** GICR_CTLR: INVLPIR and INVALLR are there, and LPIs can be disabled; from revision 3. */
  private static final int CAN_INVALIDATE_AND_DISABLE = 1 << 2 | 1 << 1;

  private static final long PENDING_TABLE_ZERO = 1L << 62;

  private final Vgic vgic;
  private final VgicCpu cpu;

  /** Where it lies; null before. */
  RedistributorRegions.@Nullable Region region;

  int indexInRegion;

  /** Its place on the bus; null before it has one. */
  MmioBus.@Nullable Region mapped;

  /**
   * How often the regions had changed when this was last looked for, and whether it is the last.
   */
  private int lastFound = -1;

  private volatile boolean lpisEnabled;
  private volatile long pendbaser;

  Redistributor(Vgic vgic, VgicCpu cpu) {
    this.vgic = vgic;
    this.cpu = cpu;
  }

  /** What initialising the GIC does. */
  void reset() {
    pendbaser = INITIAL_BASER;
  }

  /** GICR_CTLR.EnableLPIs. */
  boolean lpisEnabled() {
    return lpisEnabled;
  }

  private static @Nullable RedistributorRegister find(long offset, int size) {
    return RedistributorRegister.ACCESSES.find(offset, size, 0, Interrupt.PRIVATE);
  }

  /** Whether there is a register, for accesses of 32 bits. */
  boolean has(long offset) {
    return find(offset, 4) != null;
  }

  private static int intid(long offset) {
    return RedistributorRegister.ACCESSES.intid(offset);
  }

  @Override
  public long read(Vcpu vcpu, long offset, int size) {
    RedistributorRegister register = find(offset, size);
    if (register == null) {
      return 0;
    }
    return switch (register) {
      case GICR_ISPENDR0, GICR_ICPENDR0 ->
          vgic.registers.readPending(vgic.cpu(vcpu), cpu, intid(offset));
      case GICR_ISACTIVER0, GICR_ICACTIVER0 ->
          vgic.registers.readActive(vgic.cpu(vcpu), cpu, intid(offset));
      default -> read(register, offset, size);
    };
  }

  /** User space's read. */
  long userRead(long offset) {
    RedistributorRegister register = find(offset, 4);
    return register == null ? 0 : read(register, offset, 4);
  }

  /** What the guest and user space read alike, and what user space reads. */
  private long read(RedistributorRegister register, long offset, int size) {
    InterruptRegisters interrupts = vgic.registers;
    return switch (register) {
      case GICR_CTLR ->
          (lpisEnabled() ? ENABLE_LPIS : 0)
              | (vgic.revision() >= 3 ? CAN_INVALIDATE_AND_DISABLE : 0);
      case GICR_IIDR -> IIDR;
      case GICR_TYPER -> part(type(), offset, size);
      case GICR_WAKER, GICR_INVLPIR, GICR_INVALLR, GICR_SYNCR, GICR_ICPENDR0 -> 0;
      case GICR_PROPBASER -> part(vgic.propbaser, offset, size);
      case GICR_PENDBASER -> part(pendbaser() & ~PENDING_TABLE_ZERO, offset, size);
      case GICR_IDREGS -> DistributorV3.identification(offset - register.spec().offset());
      case GICR_IGROUPR0 -> interrupts.readGroup(cpu, intid(offset));
      case GICR_ISENABLER0, GICR_ICENABLER0 -> interrupts.readEnable(cpu, intid(offset));
      case GICR_ISPENDR0 -> interrupts.readPendingForUser(cpu, intid(offset));
      case GICR_ISACTIVER0, GICR_ICACTIVER0 -> interrupts.readActiveForUser(cpu, intid(offset));
      case GICR_IPRIORITYR -> interrupts.readPriority(cpu, intid(offset), size);
      case GICR_ICFGR -> interrupts.readConfig(cpu, intid(offset));
      case GICR_IGRPMODR0, GICR_NSACR -> 0;
    };
  }

  private long type() {
    return (long) cpu.affinity() << 32
        | (cpu.id & 0xffff) << 8
        | (regionsSayLast() ? 1 << 4 : 0)
        | (vgic.hasIts ? 1 : 0);
  }

  private boolean regionsSayLast() {
    int found = lastFound;
    int changes = vgic.regions.changes();
    if (found >>> 1 != changes) {
      found = changes << 1 | (vgic.regions.isLast(this) ? 1 : 0);
      lastFound = found;
    }
    return (found & 1) != 0;
  }

  /** A half of a 64-bit register, or the whole. */
  private static long part(long value, long offset, int size) {
    long shifted = value >>> (offset & 7) * 8;
    return size == 8 ? shifted : shifted & 0xffff_ffffL;
  }

  @Override
  public long write(Vcpu vcpu, long offset, int size, long value) {
    RedistributorRegister register = find(offset, size);
    if (register != null) {
      VgicCpu writer = vgic.cpu(vcpu);
      InterruptRegisters interrupts = vgic.registers;
      int intid = intid(offset);
      boolean running = writer.trap();
      switch (register) {
        case GICR_ISENABLER0 -> interrupts.enable(cpu, intid, value, false);
        case GICR_ISPENDR0 -> interrupts.setPending(cpu, intid, value);
        case GICR_ICPENDR0 -> interrupts.clearPending(cpu, intid, value);
        case GICR_ISACTIVER0 -> interrupts.changeActive(cpu, intid, value, true, writer);
        case GICR_ICACTIVER0 -> interrupts.changeActive(cpu, intid, value, false, writer);
        default -> writeAlike(register, offset, size, value);
      }
      writer.resume(running);
    }
    return 0;
  }

  /** User space's write. */
  void userWrite(long offset, long value) {
    RedistributorRegister register = find(offset, 4);
    if (register != null) {
      InterruptRegisters interrupts = vgic.registers;
      int intid = intid(offset);
      switch (register) {
        case GICR_ISENABLER0 -> interrupts.enable(cpu, intid, value, true);
        case GICR_ISPENDR0 -> interrupts.writePendingForUserV3(cpu, intid, value);
        case GICR_ICPENDR0 -> {}
        case GICR_ISACTIVER0 -> interrupts.changeActive(cpu, intid, value, true, null);
        case GICR_ICACTIVER0 -> interrupts.changeActive(cpu, intid, value, false, null);
        default -> writeAlike(register, offset, 4, value);
      }
    }
  }

  /** What the guest and user space write alike. */
  private void writeAlike(RedistributorRegister register, long offset, int size, long value) {
    InterruptRegisters interrupts = vgic.registers;
    int intid = intid(offset);
    switch (register) {
      case GICR_CTLR -> control(value);
      case GICR_INVLPIR, GICR_INVALLR -> invalidate(register, offset, value);
      case GICR_PROPBASER -> writePropbaser(offset, size, value);
      case GICR_PENDBASER -> writePendbaser(offset, size, value);
      case GICR_IGROUPR0 -> interrupts.writeGroup(cpu, intid, value);
      case GICR_ICENABLER0 -> interrupts.disable(cpu, intid, value);
      case GICR_IPRIORITYR -> interrupts.writePriority(cpu, intid, size, value);
      case GICR_ICFGR -> interrupts.writeConfig(cpu, intid, value);
      case GICR_IIDR,
          GICR_TYPER,
          GICR_WAKER,
          GICR_SYNCR,
          GICR_IDREGS,
          GICR_ISENABLER0,
          GICR_ISPENDR0,
          GICR_ICPENDR0,
          GICR_ISACTIVER0,
          GICR_ICACTIVER0,
          GICR_IGRPMODR0,
          GICR_NSACR -> {}
    }
  }

  private synchronized void control(long value) {
    boolean enable = (value & ENABLE_LPIS) != 0;
    if (!vgic.hasIts || enable == lpisEnabled) {
      return;
    }
    if (enable) {
      lpisEnabled = true;
      if ((pendbaser & PENDING_TABLE_ZERO) == 0) {
        vgic.lpis.enable(cpu);
      }
    } else {
      vgic.lpis.disable(cpu);
      lpisEnabled = false;
    }
  }

  /** GICR_INVLPIR and GICR_INVALLR; their upper halves are for virtual CPUs. */
  private void invalidate(RedistributorRegister register, long offset, long value) {
    if ((offset & 4) == 0 && lpisEnabled) {
      synchronized (vgic.lpis) {
        if (register == RedistributorRegister.GICR_INVALLR) {
          vgic.lpis.invalidateAll(cpu);
        } else {
          vgic.lpis.invalidate((int) value);
        }
      }
    }
  }

  /** GICR_PENDBASER. */
  long pendbaser() {
    return pendbaser;
  }

  private synchronized void writePendbaser(long offset, int size, long value) {
    if (!lpisEnabled) {
      long merged = merged(pendbaser, offset, size, value);
      pendbaser = cacheable(merged) & RedistributorRegister.GICR_PENDBASER.spec().writable();
    }
  }

  private synchronized void writePropbaser(long offset, int size, long value) {
    if (!lpisEnabled) {
      synchronized (vgic) {
        long merged = merged(vgic.propbaser, offset, size, value);
        vgic.propbaser = cacheable(merged) & RedistributorRegister.GICR_PROPBASER.spec().writable();
      }
    }
  }

  /** A 64-bit register of which the whole or a half is written. */
  private static long merged(long now, long offset, int size, long value) {
    if (size == 8) {
      return value;
    }
    int shift = (int) (offset & 4) * 8;
    return now & ~(0xffff_ffffL << shift) | (value & 0xffff_ffffL) << shift;
  }

  /**
   * A table's base with the attributes that a model of memory allows: no outer shareability, an
   * inner cacheability that caches, an outer one that is none or the same.
   */
  private static long cacheable(long base) {
    long value = base;
    if ((value >> 10 & 3) == 2) {
      value = value & ~(3L << 10) | 1L << 10;
    }
    if ((value >> 7 & 7) <= 1) {
      value = value & ~(7L << 7) | 3L << 7;
    }
    if ((value >>> 56 & 7) > 1) {
      value &= ~(7L << 56);
    }
    return value;
  }
}
