package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Vcpu;
import org.kvmdev.api.register.RegisterSpec;

/** A GICv2's distributor: IHI 0048B, chapter 4.3. */
final class DistributorV2 implements MmioHandler {
  private final Vgic vgic;
  private final InterruptRegisters interrupts;

  DistributorV2(Vgic vgic) {
    this.vgic = vgic;
    interrupts = vgic.registers;
  }

  private @Nullable DistributorV2Register find(long offset, int size) {
    return GicRegister.find(DistributorV2Register.MAP, offset, size, vgic.interruptCount());
  }

  /** Whether there is a register, for accesses of 32 bits. */
  boolean has(long offset) {
    return find(offset, 4) != null;
  }

  private static int intid(RegisterSpec spec, long offset) {
    return spec.bitsPerInterrupt() == 0
        ? (int) (offset - spec.offset())
        : GicRegister.intid(spec, offset);
  }

  @Override
  public long read(Vcpu vcpu, long offset, int size) {
    DistributorV2Register register = find(offset, size);
    if (register == null) {
      return 0;
    }
    VgicCpu cpu = vgic.cpu(vcpu);
    int intid = intid(register.spec(), offset);
    return switch (register) {
      case GICD_ISPENDR, GICD_ICPENDR -> {
        boolean running = cpu.trap();
        long value = interrupts.readPending(cpu, intid, size);
        cpu.resume(running);
        yield value;
      }
      case GICD_ISACTIVER, GICD_ICACTIVER -> {
        boolean running = cpu.trap();
        long value = interrupts.readActive(cpu, intid, size);
        cpu.resume(running);
        yield value;
      }
      case GICD_CPENDSGIR, GICD_SPENDSGIR -> {
        boolean running = cpu.trap();
        long value = readSources(cpu, intid, size);
        cpu.resume(running);
        yield value;
      }
      default -> read(cpu, register, intid, size);
    };
  }

  /** User space's read. */
  long userRead(VgicCpu cpu, long offset) {
    DistributorV2Register register = find(offset, 4);
    if (register == null) {
      return 0;
    }
    int intid = intid(register.spec(), offset);
    return switch (register) {
      case GICD_ISPENDR, GICD_ICPENDR -> interrupts.readPendingForUser(cpu, intid, 4);
      default -> read(cpu, register, intid, 4);
    };
  }

  private long read(VgicCpu cpu, DistributorV2Register register, int intid, int size) {
    return switch (register) {
      case GICD_CTLR -> vgic.isEnabled() ? 1 : 0;
      case GICD_TYPER -> (vgic.interruptCount() >> 5) - 1 | (vgic.cpuCount() - 1) << 5;
      case GICD_IIDR -> vgic.implementationId();
      case GICD_IGROUPR -> interrupts.readGroup(cpu, intid, size);
      case GICD_ISENABLER, GICD_ICENABLER -> interrupts.readEnable(cpu, intid, size);
      case GICD_ISPENDR, GICD_ICPENDR -> interrupts.readPending(cpu, intid, size);
      case GICD_ISACTIVER, GICD_ICACTIVER -> interrupts.readActiveForUser(cpu, intid, size);
      case GICD_IPRIORITYR -> interrupts.readPriority(cpu, intid, size);
      case GICD_ITARGETSR -> readTargets(cpu, intid, size);
      case GICD_ICFGR -> interrupts.readConfig(cpu, intid, size);
      case GICD_SGIR -> 0;
      case GICD_CPENDSGIR, GICD_SPENDSGIR -> readSources(cpu, intid, size);
    };
  }

  @Override
  public long write(Vcpu vcpu, long offset, int size, long value) {
    DistributorV2Register register = find(offset, size);
    if (register != null) {
      VgicCpu cpu = vgic.cpu(vcpu);
      int intid = intid(register.spec(), offset);
      boolean running = cpu.trap();
      switch (register) {
        case GICD_CTLR -> vgic.enable((value & 1) != 0);
        case GICD_TYPER, GICD_IIDR -> {}
        case GICD_IGROUPR -> interrupts.writeGroup(cpu, intid, size, value);
        case GICD_ISENABLER -> interrupts.enable(cpu, intid, value, false);
        case GICD_ICENABLER -> interrupts.disable(cpu, intid, value);
        case GICD_ISPENDR -> interrupts.setPending(cpu, intid, value);
        case GICD_ICPENDR -> interrupts.clearPending(cpu, intid, value);
        case GICD_ISACTIVER -> interrupts.changeActive(cpu, intid, value, true, cpu);
        case GICD_ICACTIVER -> interrupts.changeActive(cpu, intid, value, false, cpu);
        default -> writeAlike(cpu, register, intid, size, value);
      }
      cpu.resume(running);
    }
    return 0;
  }

  /** User space's write. */
  void userWrite(VgicCpu cpu, long offset, long value) throws KvmException {
    DistributorV2Register register = find(offset, 4);
    if (register != null) {
      int intid = intid(register.spec(), offset);
      switch (register) {
        case GICD_CTLR -> vgic.enable((value & 1) != 0);
        case GICD_TYPER -> {}
        case GICD_IIDR -> vgic.implementationId((int) value);
        case GICD_IGROUPR -> {
          if (vgic.groupsWritable()) {
            interrupts.writeGroup(cpu, intid, 4, value);
          }
        }
        case GICD_ISENABLER -> interrupts.enable(cpu, intid, value, true);
        case GICD_ICENABLER -> interrupts.disable(cpu, intid, value);
        case GICD_ISPENDR -> interrupts.setPendingForUserV2(cpu, intid, value);
        case GICD_ICPENDR -> interrupts.clearPendingForUserV2(cpu, intid, value);
        case GICD_ISACTIVER -> interrupts.changeActive(cpu, intid, value, true, null);
        case GICD_ICACTIVER -> interrupts.changeActive(cpu, intid, value, false, null);
        default -> writeAlike(cpu, register, intid, 4, value);
      }
    }
  }

  /** What the guest and user space write alike. */
  private void writeAlike(
      VgicCpu cpu, DistributorV2Register register, int intid, int size, long value) {
    switch (register) {
      case GICD_IPRIORITYR -> interrupts.writePriority(cpu, intid, size, value);
      case GICD_ITARGETSR -> writeTargets(intid, size, value);
      case GICD_ICFGR -> interrupts.writeConfig(cpu, intid, size, value);
      case GICD_SGIR -> generateSgi(cpu, (int) value);
      case GICD_CPENDSGIR -> clearSources(cpu, intid, size, value);
      case GICD_SPENDSGIR -> setSources(cpu, intid, size, value);
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

  private void generateSgi(VgicCpu source, int value) {
    int count = vgic.cpuCount();
    int targets;
    switch (value >> 24 & 3) {
      case 0 -> targets = value >> 16 & 0xff;
      case 1 -> targets = (1 << count) - 1 & ~(1 << source.id);
      case 2 -> targets = 1 << source.id;
      default -> {
        return;
      }
    }
    for (int index = 0; index < count; index++) {
      if ((targets >> index & 1) != 0) {
        VgicCpu target = vgic.cpu(index);
        Interrupt irq = target.own[value & 0xf];
        target.lock();
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
    cpu.lock();
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
    cpu.lock();
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
