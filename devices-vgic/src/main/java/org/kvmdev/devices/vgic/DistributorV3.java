package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Vcpu;
import org.kvmdev.devices.vgic.GicRegisterMap.Place;

/** A GICv3's distributor: IHI 0069, chapter 12.9. */
final class DistributorV3 implements MmioHandler {
  /** GICD_PIDR2 and GICR_PIDR2: the offset among the identification registers' bytes. */
  static final int PIDR2_OFFSET = 0x18;

  /** Their value: architecture version 3. */
  static final int PIDR2 = 0x3b;

  private static final int ENABLE_GROUP1 = 1 << 1;
  private static final int AFFINITY_ROUTING = 1 << 4;
  private static final int DISABLE_SECURITY = 1 << 6;
  private static final int ID_BITS_SHIFT = 19;
  private static final int LPIS = 1 << 17;

  private static final KvmException TYPER2_FIXED =
      KvmException.constant(Errno.EINVAL, "GICD_TYPER2 may only be written what it reads, 0");

  private final Vgic vgic;
  private final VgicCpu[] cpus;
  private final InterruptRegisters interrupts;

  DistributorV3(Vgic vgic) {
    this.vgic = vgic;
    cpus = vgic.cpus;
    interrupts = vgic.registers;
  }

  /** The register that takes an access; SGIs and PPIs are not here. */
  private @Nullable DistributorV3Register find(long offset, int size) {
    return DistributorV3Register.ACCESSES.find(
        offset, size, Interrupt.PRIVATE, vgic.interruptCount());
  }

  /** Whether there is a register, for accesses of 32 bits; also one of SGIs and PPIs. */
  boolean has(long offset) {
    return DistributorV3Register.ACCESSES.find(offset, 4, 0, vgic.interruptCount()) != null;
  }

  private static int intid(long offset) {
    return DistributorV3Register.ACCESSES.intid(offset);
  }

  @Override
  public long read(Vcpu vcpu, long offset, int size) {
    DistributorV3Register register = find(offset, size);
    if (register == null) {
      return 0;
    }
    VgicCpu cpu = cpus[vcpu.index()];
    return switch (register) {
      case GICD_ISPENDR, GICD_ICPENDR -> interrupts.readPending(cpu, cpu, intid(offset));
      case GICD_ISACTIVER, GICD_ICACTIVER -> interrupts.readActive(cpu, cpu, intid(offset));
      default -> read(cpu, register, offset, size);
    };
  }

  /** What is at an offset: user space's accesses look for it before they stop the vCPUs. */
  static @Nullable Place<DistributorV3Register> place(long offset) {
    return DistributorV3Register.ACCESSES.at(offset);
  }

  /** User space's read. */
  long userRead(VgicCpu cpu, @Nullable Place<DistributorV3Register> place, long offset) {
    return place == null || !takes(place, offset) ? 0 : read(cpu, place.register(), offset, 4);
  }

  /** Whether there is a register for user space's accesses. */
  private boolean takes(Place<DistributorV3Register> place, long offset) {
    return place.takes(offset, 4, Interrupt.PRIVATE, vgic.interruptCount());
  }

  /** What the guest and user space read alike, and what user space reads. */
  private long read(VgicCpu cpu, DistributorV3Register register, long offset, int size) {
    return switch (register) {
      case GICD_CTLR ->
          (vgic.isEnabled() ? ENABLE_GROUP1 : 0) | AFFINITY_ROUTING | DISABLE_SECURITY;
      case GICD_TYPER -> type();
      case GICD_IIDR -> vgic.implementationId();
      case GICD_TYPER2, GICD_ICPENDR, GICD_ITARGETSR, GICD_IGRPMODR -> 0;
      case GICD_STATUSR -> -1;
      case GICD_IGROUPR -> interrupts.readGroup(cpu, intid(offset));
      case GICD_ISENABLER, GICD_ICENABLER -> interrupts.readEnable(cpu, intid(offset));
      case GICD_ISPENDR -> interrupts.readPendingForUser(cpu, intid(offset));
      case GICD_ISACTIVER, GICD_ICACTIVER -> interrupts.readActiveForUser(cpu, intid(offset));
      case GICD_IPRIORITYR -> interrupts.readPriority(cpu, intid(offset), size);
      case GICD_ICFGR -> interrupts.readConfig(cpu, intid(offset));
      case GICD_IROUTER -> readRoute(intid(offset), offset);
      case GICD_IDREGS -> identification(offset - register.spec().offset());
    };
  }

  /** What an identification register of a distributor or redistributor reads as. */
  static int identification(long offset) {
    return offset == PIDR2_OFFSET ? PIDR2 : 0;
  }

  private long type() {
    int value = (vgic.interruptCount() >> 5) - 1;
    return vgic.hasIts ? value | 15 << ID_BITS_SHIFT | LPIS : value | 9 << ID_BITS_SHIFT;
  }

  @Override
  public long write(Vcpu vcpu, long offset, int size, long value) {
    DistributorV3Register register = find(offset, size);
    if (register != null) {
      VgicCpu cpu = cpus[vcpu.index()];
      int intid = intid(offset);
      boolean running = cpu.trap();
      switch (register) {
        case GICD_CTLR -> vgic.enable((value & ENABLE_GROUP1) != 0);
        case GICD_ISENABLER -> interrupts.enable(cpu, intid, value, false);
        case GICD_ISPENDR -> interrupts.setPending(cpu, intid, value);
        case GICD_ICPENDR -> interrupts.clearPending(cpu, intid, value);
        case GICD_ISACTIVER -> interrupts.changeActive(cpu, intid, value, true, cpu);
        case GICD_ICACTIVER -> interrupts.changeActive(cpu, intid, value, false, cpu);
        default -> writeAlike(cpu, register, offset, size, value);
      }
      cpu.resume(running);
    }
    return 0;
  }

  /** User space's write. */
  void userWrite(VgicCpu cpu, @Nullable Place<DistributorV3Register> place, long offset, long value)
      throws KvmException {
    if (place != null && takes(place, offset)) {
      DistributorV3Register register = place.register();
      int intid = place.first(offset);
      switch (register) {
        case GICD_CTLR -> vgic.enable((value & ENABLE_GROUP1) != 0);
        case GICD_IIDR -> vgic.implementationId((int) value);
        case GICD_TYPER2 -> {
          if (value != 0) {
            throw TYPER2_FIXED;
          }
        }
        case GICD_ISENABLER -> interrupts.enable(cpu, intid, value, true);
        case GICD_ISPENDR -> interrupts.writePendingForUserV3(cpu, intid, value);
        case GICD_ICPENDR -> {}
        case GICD_ISACTIVER -> interrupts.changeActive(cpu, intid, value, true, null);
        case GICD_ICACTIVER -> interrupts.changeActive(cpu, intid, value, false, null);
        default -> writeAlike(cpu, register, offset, 4, value);
      }
    }
  }

  /** What the guest and user space write alike. */
  private void writeAlike(
      VgicCpu cpu, DistributorV3Register register, long offset, int size, long value) {
    int intid = intid(offset);
    switch (register) {
      case GICD_IGROUPR -> interrupts.writeGroup(cpu, intid, value);
      case GICD_ICENABLER -> interrupts.disable(cpu, intid, value);
      case GICD_IPRIORITYR -> interrupts.writePriority(cpu, intid, size, value);
      case GICD_ICFGR -> interrupts.writeConfig(cpu, intid, value);
      case GICD_IROUTER -> writeRoute(intid, offset, value);
      case GICD_CTLR,
          GICD_TYPER,
          GICD_IIDR,
          GICD_TYPER2,
          GICD_STATUSR,
          GICD_ISENABLER,
          GICD_ISPENDR,
          GICD_ICPENDR,
          GICD_ISACTIVER,
          GICD_ICACTIVER,
          GICD_ITARGETSR,
          GICD_IGRPMODR,
          GICD_IDREGS -> {}
    }
  }

  /** The upper half, Aff3, is zero. */
  private long readRoute(int intid, long offset) {
    Interrupt irq = vgic.spi(intid);
    return irq == null || (offset & 4) != 0 ? 0 : irq.affinity;
  }

  private void writeRoute(int intid, long offset, long value) {
    Interrupt irq = vgic.spi(intid);
    if (irq != null && (offset & 4) == 0) {
      int affinity = (int) value & 0xff_ffff;
      VgicCpu home = irq.lock();
      irq.affinity = affinity;
      home.unlock();
      vgic.retarget(irq, vgic.cpuWithAffinity(affinity));
    }
  }
}
