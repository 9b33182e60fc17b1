package org.kvmdev.devices.vgic;

import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.machine.StateSource;
import org.kvmdev.api.register.RegisterSpec;

/**
 * What makes up a GIC's state, in the order in which it must be restored: the revision before the
 * groups that it makes writable; what configures an interrupt before what makes it pending or
 * active; ones that clear before ones that set; lines after the configuration that says whether
 * they count; the CPU interfaces last.
 *
 * <p>A GICv2 does not show its lines: they are its client's, who drives them again.
 */
final class VgicState implements StateSource {
  private static final int DIST_REGS = 1;
  private static final int CPU_REGS = 2;
  private static final int CTRL = 4;
  private static final int REDIST_REGS = 5;
  private static final int CPU_SYSREGS = 6;
  private static final int LEVEL_INFO = 7;
  private static final int ITS_REGS = 8;
  private static final int SAVE_TABLES = 1;
  private static final int RESTORE_TABLES = 2;
  private static final int SAVE_PENDING_TABLES = 3;

  /** What clears every bit of a register whose ones clear. */
  private static final long ONES = 0xffff_ffffL;

  private final Vgic vgic;

  VgicState(Vgic vgic) {
    this.vgic = vgic;
  }

  @Override
  public void enumerate(State state) {
    for (Its its : vgic.itss) {
      if (its.isMapped()) {
        state.beforeSave(its, CTRL, SAVE_TABLES);
      }
    }
    if (vgic.exists()) {
      enumerateGic(state);
    }
    int number = 0;
    for (Its its : vgic.itss) {
      state.shape("ITS %d at %#x".formatted(number++, its.address()));
      if (its.address() != AddressMap.UNSET) {
        enumerateIts(state, its);
      }
    }
  }

  /** The queue's base resets its pointers; the tables are read by the bases, before it runs. */
  private static void enumerateIts(State state, Its its) {
    state.value(its, ITS_REGS, ItsRegister.GITS_IIDR.spec().offset());
    if (its.commands.base != 0) {
      // 0 is what it holds until it is first written.
      state.value(its, ITS_REGS, ItsRegister.GITS_CBASER.spec().offset());
    }
    state.value(its, ITS_REGS, ItsRegister.GITS_CREADR.spec().offset());
    state.value(its, ITS_REGS, ItsRegister.GITS_BASER.spec().offset(0));
    state.value(its, ITS_REGS, ItsRegister.GITS_BASER.spec().offset(1));
    state.value(its, ITS_REGS, ItsRegister.GITS_CWRITER.spec().offset());
    if (its.isMapped()) {
      state.request(its, CTRL, RESTORE_TABLES);
    }
    state.value(its, ITS_REGS, ItsRegister.GITS_CTLR.spec().offset());
  }

  private void enumerateGic(State state) {
    for (int index = 0; index < vgic.cpuCount(); index++) {
      VgicCpu cpu = vgic.cpu(index);
      state.shape(
          "vCPU %d has id %d%s"
              .formatted(index, cpu.id, cpu.initialised ? " and is initialised" : ""));
    }
    state.shape(
        "%d interrupts%s"
            .formatted(vgic.interruptCount(), vgic.isInitialised() ? ", initialised" : ""));
    DeviceOps device = vgic.device;
    if (device == null) {
      state.shape("the GICv2 was created by KVM_CREATE_IRQCHIP, so its state is not accessible");
    } else if (vgic.isV2()) {
      enumerateV2(state, device);
    } else {
      enumerateV3(state, device);
    }
  }

  private void enumerateV2(State state, DeviceOps device) {
    state.shape("distributor at %#x".formatted(vgic.addresses.distributor()));
    state.shape("CPU interface at %#x".formatted(vgic.addresses.cpuInterface()));
    if (!vgic.isInitialised()) {
      return;
    }
    distributor(state, device, DistributorV2Register.GICD_IIDR);
    distributor(state, device, DistributorV2Register.GICD_CTLR);
    for (int index = 0; index < vgic.cpuCount(); index++) {
      VgicCpu cpu = vgic.cpu(index);
      long vcpu = (long) cpu.id << 32;
      banked(state, device, vcpu, DistributorV2Register.GICD_IGROUPR);
      clearBanked(state, device, vcpu, DistributorV2Register.GICD_ICENABLER);
      banked(state, device, vcpu, DistributorV2Register.GICD_ISENABLER);
      banked(state, device, vcpu, DistributorV2Register.GICD_IPRIORITYR);
      clearBanked(state, device, vcpu, DistributorV2Register.GICD_ICPENDR);
      banked(state, device, vcpu, DistributorV2Register.GICD_ISPENDR);
      clearBanked(state, device, vcpu, DistributorV2Register.GICD_ICACTIVER);
      banked(state, device, vcpu, DistributorV2Register.GICD_ISACTIVER);
      // ISPENDR made the vCPU itself a source of its pending SGIs.
      RegisterSpec noSources = DistributorV2Register.GICD_CPENDSGIR.spec();
      for (int i = 0; i < noSources.count(); i++) {
        state.write(device, DIST_REGS, vcpu | noSources.offset(i), ONES);
      }
      array(state, device, DIST_REGS, vcpu, DistributorV2Register.GICD_SPENDSGIR.spec());
      for (CpuInterfaceV2Register register : CpuInterfaceV2Register.values()) {
        if (register.spec().isSaved()) {
          state.value(device, CPU_REGS, vcpu | register.spec().offset());
        }
      }
    }
    if (vgic.cpuCount() != 0) {
      shared(state, device, DistributorV2Register.GICD_IGROUPR);
      clearShared(state, device, DistributorV2Register.GICD_ICENABLER);
      shared(state, device, DistributorV2Register.GICD_ISENABLER);
      shared(state, device, DistributorV2Register.GICD_IPRIORITYR);
      shared(state, device, DistributorV2Register.GICD_ITARGETSR);
      shared(state, device, DistributorV2Register.GICD_ICFGR);
      clearShared(state, device, DistributorV2Register.GICD_ICPENDR);
      shared(state, device, DistributorV2Register.GICD_ISPENDR);
      clearShared(state, device, DistributorV2Register.GICD_ICACTIVER);
      shared(state, device, DistributorV2Register.GICD_ISACTIVER);
    }
  }

  private void enumerateV3(State state, DeviceOps device) {
    state.shape("distributor at %#x".formatted(vgic.addresses.distributor()));
    RedistributorRegions.Region region = vgic.regions.region(0);
    for (int index = 0; region != null; region = vgic.regions.region(++index)) {
      state.shape(
          "redistributor region %d at %#x for %d".formatted(index, region.base, region.count));
    }
    if (!vgic.isInitialised() || vgic.cpuCount() == 0) {
      return;
    }
    state.beforeSave(device, CTRL, SAVE_PENDING_TABLES);
    distributor(state, device, DistributorV3Register.GICD_IIDR);
    distributor(state, device, DistributorV3Register.GICD_CTLR);
    if (vgic.propbaser != 0) {
      // All redistributors have the same; 0 is what it holds until it is first written.
      array(state, device, REDIST_REGS, mpidr(0), RedistributorRegister.GICR_PROPBASER.spec());
    }
    for (int index = 0; index < vgic.cpuCount(); index++) {
      redistributor(state, device, mpidr(index));
    }
    shared(state, device, DistributorV3Register.GICD_IGROUPR);
    clearShared(state, device, DistributorV3Register.GICD_ICENABLER);
    shared(state, device, DistributorV3Register.GICD_ISENABLER);
    shared(state, device, DistributorV3Register.GICD_IPRIORITYR);
    shared(state, device, DistributorV3Register.GICD_ICFGR);
    shared(state, device, DistributorV3Register.GICD_IROUTER);
    shared(state, device, DistributorV3Register.GICD_ISPENDR);
    clearShared(state, device, DistributorV3Register.GICD_ICACTIVER);
    shared(state, device, DistributorV3Register.GICD_ISACTIVER);
    for (int intid = 32; intid < vgic.interruptCount(); intid += 32) {
      state.value(device, LEVEL_INFO, mpidr(0) | intid);
    }
    for (int index = 0; index < vgic.cpuCount(); index++) {
      state.value(device, LEVEL_INFO, mpidr(index));
      cpuInterface(state, device, mpidr(index));
    }
  }

  private long mpidr(int index) {
    return (long) vgic.cpu(index).affinity() << 32;
  }

  private static void distributor(State state, DeviceOps device, GicRegister register) {
    state.value(device, DIST_REGS, register.spec().offset());
  }

  private static void redistributor(State state, DeviceOps device, long mpidr) {
    array(state, device, REDIST_REGS, mpidr, RedistributorRegister.GICR_PENDBASER.spec());
    array(state, device, REDIST_REGS, mpidr, RedistributorRegister.GICR_IGROUPR0.spec());
    long disable = RedistributorRegister.GICR_ICENABLER0.spec().offset();
    state.write(device, REDIST_REGS, mpidr | disable, ONES);
    array(state, device, REDIST_REGS, mpidr, RedistributorRegister.GICR_ISENABLER0.spec());
    array(state, device, REDIST_REGS, mpidr, RedistributorRegister.GICR_IPRIORITYR.spec());
    array(state, device, REDIST_REGS, mpidr, RedistributorRegister.GICR_ISPENDR0.spec());
    long deactivate = RedistributorRegister.GICR_ICACTIVER0.spec().offset();
    state.write(device, REDIST_REGS, mpidr | deactivate, ONES);
    array(state, device, REDIST_REGS, mpidr, RedistributorRegister.GICR_ISACTIVER0.spec());
    array(state, device, REDIST_REGS, mpidr, RedistributorRegister.GICR_CTLR.spec());
  }

  /** The control register first: it checks what the host has. */
  private static void cpuInterface(State state, DeviceOps device, long mpidr) {
    systemRegister(state, device, mpidr, IccRegister.ICC_SRE_EL1);
    systemRegister(state, device, mpidr, IccRegister.ICC_CTLR_EL1);
    systemRegister(state, device, mpidr, IccRegister.ICC_PMR_EL1);
    systemRegister(state, device, mpidr, IccRegister.ICC_BPR0_EL1);
    systemRegister(state, device, mpidr, IccRegister.ICC_BPR1_EL1);
    systemRegister(state, device, mpidr, IccRegister.ICC_AP0R_EL1);
    systemRegister(state, device, mpidr, IccRegister.ICC_AP1R_EL1);
    systemRegister(state, device, mpidr, IccRegister.ICC_IGRPEN0_EL1);
    systemRegister(state, device, mpidr, IccRegister.ICC_IGRPEN1_EL1);
  }

  private static void systemRegister(
      State state, DeviceOps device, long mpidr, IccRegister register) {
    state.value(device, CPU_SYSREGS, mpidr | register.encoding(0));
  }

  /** The words of a register, or of an array of registers. */
  private static void array(
      State state, DeviceOps device, int group, long whose, RegisterSpec spec) {
    for (int i = 0; i < spec.count(); i++) {
      for (int word = 0; word < spec.width(); word += 4) {
        state.value(device, group, whose | spec.offset(i) + word);
      }
    }
  }

  /** Writes ones to the part of a register with a bit for each interrupt that is a vCPU's own. */
  private static void clearBanked(State state, DeviceOps device, long whose, GicRegister register) {
    state.write(device, DIST_REGS, whose | register.spec().offset(), ONES);
  }

  /** Writes ones to the part of a register with a bit for each interrupt that is the SPIs'. */
  private void clearShared(State state, DeviceOps device, GicRegister register) {
    for (int intid = Interrupt.PRIVATE; intid < vgic.interruptCount(); intid += 32) {
      state.write(device, DIST_REGS, firstVcpu() | register.spec().offset() + intid / 8, ONES);
    }
  }

  /** Where a GICv2's number of a register names a vCPU. */
  private long firstVcpu() {
    return vgic.isV2() ? (long) vgic.cpu(0).id << 32 : 0;
  }

  /** The part of a register with bits for each interrupt that is a vCPU's own. */
  private static void banked(State state, DeviceOps device, long whose, GicRegister register) {
    RegisterSpec spec = register.spec();
    int end = Interrupt.PRIVATE * spec.bitsPerInterrupt() / 8;
    for (int at = 0; at < end; at += 4) {
      state.value(device, DIST_REGS, whose | spec.offset() + at);
    }
  }

  /** The part of a register with bits for each interrupt that is the SPIs'. */
  private void shared(State state, DeviceOps device, GicRegister register) {
    RegisterSpec spec = register.spec();
    long whose = firstVcpu();
    int begin = Interrupt.PRIVATE * spec.bitsPerInterrupt() / 8;
    int end = vgic.interruptCount() * spec.bitsPerInterrupt() / 8;
    for (int at = begin; at < end; at += 4) {
      state.value(device, DIST_REGS, whose | spec.offset() + at);
    }
  }
}
