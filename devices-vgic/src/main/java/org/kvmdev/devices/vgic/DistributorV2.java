package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Vcpu;
import org.kvmdev.devices.vgic.GicRegisterMap.Place;

/** A GICv2's distributor: IHI 0048B, chapter 4.3. */
final class DistributorV2 implements MmioHandler {
  private final Vgic vgic;
  private final VgicCpu[] cpus;
  private final InterruptRegisters interrupts;

  DistributorV2(Vgic vgic) {
    this.vgic = vgic;
    cpus = vgic.cpus;
    interrupts = vgic.registers;
  }

  private @Nullable DistributorV2Register find(long offset, int size) {
    return DistributorV2Register.ACCESSES.find(offset, size, 0, vgic.interruptCount());
  }

  /** Whether there is a register, for accesses of 32 bits. */
  boolean has(long offset) {
    return find(offset, 4) != null;
  }

  private static int intid(long offset) {
    return DistributorV2Register.ACCESSES.intid(offset);
  }

  @Override
  public long read(Vcpu vcpu, long offset, int size) {
    DistributorV2Register register = find(offset, size);
    if (register == null) {
      return 0;
    }
    VgicCpu cpu = cpus[vcpu.index()];
    return switch (register) {
      case GICD_ISPENDR, GICD_ICPENDR -> interrupts.readPending(cpu, cpu, intid(offset));
      case GICD_ISACTIVER, GICD_ICACTIVER -> interrupts.readActive(cpu, cpu, intid(offset));
      case GICD_CPENDSGIR, GICD_SPENDSGIR -> {
        boolean running = cpu.trap();
        long value = readSources(cpu, sgi(register, offset), size);
        cpu.resume(running);
        yield value;
      }
      default -> read(cpu, register, offset, size);
    };
  }

  /** What is at an offset: user space's accesses look for it before they stop the vCPUs. */
  static @Nullable Place<DistributorV2Register> place(long offset) {
    return DistributorV2Register.ACCESSES.at(offset);
  }

  /** User space's read. */
  long userRead(VgicCpu cpu, @Nullable Place<DistributorV2Register> place, long offset) {
    return place == null || !takes(place, offset) ? 0 : read(cpu, place.register(), offset, 4);
  }

  /** Whether there is a register for user space's accesses. */
  private boolean takes(Place<DistributorV2Register> place, long offset) {
    return place.takes(offset, 4, 0, vgic.interruptCount());
  }

  /** What the guest and user space read alike, and what user space reads. */
  private long read(VgicCpu cpu, DistributorV2Register register, long offset, int size) {
    return switch (register) {
      case GICD_CTLR -> vgic.isEnabled() ? 1 : 0;
      case GICD_TYPER -> (vgic.interruptCount() >> 5) - 1 | (vgic.cpuCount() - 1) << 5;
      case GICD_IIDR -> vgic.implementationId();
      case GICD_IGROUPR -> interrupts.readGroup(cpu, intid(offset));
      case GICD_ISENABLER, GICD_ICENABLER -> interrupts.readEnable(cpu, intid(offset));
      case GICD_ISPENDR, GICD_ICPENDR -> interrupts.readPendingForUser(cpu, intid(offset));
      case GICD_ISACTIVER, GICD_ICACTIVER -> interrupts.readActiveForUser(cpu, intid(offset));
      case GICD_IPRIORITYR -> interrupts.readPriority(cpu, intid(offset), size);
      case GICD_ITARGETSR -> readTargets(cpu, intid(offset), size);
      case GICD_ICFGR -> interrupts.readConfig(cpu, intid(offset));
      case GICD_SGIR -> 0;
      case GICD_CPENDSGIR, GICD_SPENDSGIR -> readSources(cpu, sgi(register, offset), size);
    };
  }

  /** The first SGI at an offset in a register with a byte for each. */
  private static int sgi(DistributorV2Register register, long offset) {
    return (int) (offset - register.spec().offset());
  }

  @Override
  public long write(Vcpu vcpu, long offset, int size, long value) {
    DistributorV2Register register = find(offset, size);
    if (register != null) {
      VgicCpu cpu = cpus[vcpu.index()];
      if (register == DistributorV2Register.GICD_SGIR && isOnly(cpu, (int) value)) {
        cpu.sendToItself(cpu.own[(int) value & 0xf], 1 << cpu.id);
        return 0;
      }
      int intid = intid(offset);
      boolean running = cpu.trap();
      switch (register) {
        case GICD_CTLR -> vgic.enable((value & 1) != 0);
        case GICD_TYPER, GICD_IIDR -> {}
        case GICD_IGROUPR -> interrupts.writeGroup(cpu, intid, value);
        case GICD_ISENABLER -> interrupts.enable(cpu, intid, value, false);
        case GICD_ICENABLER -> interrupts.disable(cpu, intid, value);
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
  void userWrite(VgicCpu cpu, @Nullable Place<DistributorV2Register> place, long offset, long value)
      throws KvmException {
    if (place != null && takes(place, offset)) {
      DistributorV2Register register = place.register();
      int intid = place.first(offset);
      switch (register) {
        case GICD_CTLR -> vgic.enable((value & 1) != 0);
        case GICD_TYPER -> {}
        case GICD_IIDR -> vgic.implementationId((int) value);
        case GICD_IGROUPR -> {
          if (vgic.groupsWritable()) {
            interrupts.writeGroup(cpu, intid, value);
          }
        }
        case GICD_ISENABLER -> interrupts.enable(cpu, intid, value, true);
        case GICD_ICENABLER -> interrupts.disable(cpu, intid, value);
        case GICD_ISPENDR -> interrupts.setPendingForUserV2(cpu, intid, value);
        case GICD_ICPENDR -> interrupts.clearPendingForUserV2(cpu, intid, value);
        case GICD_ISACTIVER -> interrupts.changeActive(cpu, intid, value, true, null);
        case GICD_ICACTIVER -> interrupts.changeActive(cpu, intid, value, false, null);
        default -> writeAlike(cpu, register, offset, 4, value);
      }
    }
  }

  /** What the guest and user space write alike. */
  private void writeAlike(
      VgicCpu cpu, DistributorV2Register register, long offset, int size, long value) {
    int intid = intid(offset);
    switch (register) {
      case GICD_IPRIORITYR -> interrupts.writePriority(cpu, intid, size, value);
      case GICD_ITARGETSR -> writeTargets(intid, size, value);
      case GICD_ICFGR -> interrupts.writeConfig(cpu, intid, value);
      case GICD_SGIR -> generateSgi(cpu, (int) value);
      case GICD_CPENDSGIR -> clearSources(cpu, sgi(register, offset), size, value);
      case GICD_SPENDSGIR -> setSources(cpu, sgi(register, offset), size, value);
      case GICD_CTLR,
          GICD_TYPER,
          GICD_IIDR,
          GICD_IGROUPR,
          GICD_ISENABLER,
          GICD_ICENABLER,
          GICD_ISPENDR,
          GICD_ICPENDR,
          GICD_ISACTIVER,
          GICD_ICACTIVER ->
          throw new AssertionError(register);
    }
  }

  private long readTargets(VgicCpu cpu, int intid, int size) {
    long value = 0;
    for (int i = 0; i < size; i++) {
      Interrupt irq = vgic.interrupt(cpu, intid + i);
      value |= irq == null ? 0 : (long) irq.targets << i * 8;
    }
    return value;
  }

  private void writeTargets(int intid, int size, long value) {
    int count = vgic.cpuCount();
    for (int i = 0; i < size; i++) {
      Interrupt irq = vgic.spi(intid + i);
      if (irq != null) {
        int targets = (int) (value >> i * 8) & (1 << count) - 1 & 0xff;
        int index = targets == 0 ? 0 : Integer.numberOfTrailingZeros(targets);
        VgicCpu home = irq.lock();
        irq.targets = targets;
        home.unlock();
        vgic.retarget(irq, index < count ? vgic.cpu(index) : null);
      }
    }
  }

  /** The indices of the vCPUs that an SGI is for, a bit for each. */
  private int targets(VgicCpu source, int value) {
    int all = (1 << vgic.cpuCount()) - 1;
    return all
        & switch (value >> 24 & 3) {
          case 0 -> value >> 16 & 0xff;
          case 1 -> ~(1 << source.id);
          case 2 -> 1 << source.id;
          default -> 0;
        };
  }

  /** Whether an SGI is for its source alone. */
  private boolean isOnly(VgicCpu source, int value) {
    return targets(source, value) == 1 << source.index;
  }

  private void generateSgi(VgicCpu source, int value) {
    int count = vgic.cpuCount();
    int targets = targets(source, value);
    for (int index = 0; index < count; index++) {
      if ((targets >> index & 1) != 0) {
        VgicCpu target = vgic.cpu(index);
        Interrupt irq = target.own[value & 0xf];
        target.lockSettled();
        irq.latch = true;
        irq.sources |= 1 << source.id;
        vgic.queue(irq);
        target.unlock();
      }
    }
  }

  private static long readSources(VgicCpu cpu, int intid, int size) {
    long value = 0;
    for (int i = 0; i < size; i++) {
      value |= (long) cpu.own[intid + i].sources << i * 8;
    }
    return value;
  }

  private void clearSources(VgicCpu cpu, int intid, int size, long value) {
    cpu.lockSettled();
    for (int i = 0; i < size; i++) {
      Interrupt irq = cpu.own[intid + i];
      irq.sources &= (int) ~(value >> i * 8 & 0xff);
      if (irq.sources == 0) {
        irq.latch = false;
      }
      vgic.changed(irq);
    }
    cpu.unlock();
  }

  private void setSources(VgicCpu cpu, int intid, int size, long value) {
    cpu.lockSettled();
    for (int i = 0; i < size; i++) {
      Interrupt irq = cpu.own[intid + i];
      irq.sources |= (int) (value >> i * 8 & 0xff);
      if (irq.sources != 0) {
        irq.latch = true;
        vgic.queue(irq);
      }
    }
    cpu.unlock();
  }
}
