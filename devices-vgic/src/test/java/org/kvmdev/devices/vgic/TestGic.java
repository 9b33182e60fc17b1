package org.kvmdev.devices.vgic;

import java.util.List;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.SystemRegister;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/** A VM with an initialised GIC whose interrupts are enabled, for tests. */
final class TestGic implements AutoCloseable {
  static final long DISTRIBUTOR = 0x800_0000L;
  static final long CPU_INTERFACE = 0x801_0000L;
  static final long REDISTRIBUTORS = 0x80a_0000L;
  static final int INTERRUPTS = 192;

  /** What is acknowledged where no interrupt is. */
  static final int SPURIOUS = 1023;

  private static final int VCPU_INIT = 0x4020_aeae;

  final boolean v3;
  final Vm vm;
  final Vcpu[] vcpus;
  final Device device;

  private final SystemRegister[] acknowledge = new SystemRegister[2];
  private final SystemRegister[] end = new SystemRegister[2];
  private final SystemRegister deactivate;

  TestGic(boolean v3, int cpus) throws KvmException {
    this(v3, cpus, true);
  }

  TestGic(boolean v3, int cpus, boolean driver) throws KvmException {
    this(new VgicProvider(), v3, cpus, driver);
  }

  /** A VM with a variant of the GIC. */
  TestGic(DeviceProvider provider, boolean v3, int cpus, boolean driver) throws KvmException {
    this.v3 = v3;
    vm = Kvm.of(List.of(provider)).createVm(v3 ? "arm64-gicv3-6.1" : "arm64-gicv2-6.1");
    vcpus = new Vcpu[cpus];
    for (int i = 0; i < cpus; i++) {
      vcpus[i] = vm.createVcpu(i);
      byte[] target = new byte[32];
      target[0] = 5;
      vcpus[i].request(VCPU_INIT, target);
    }
    device = vm.createDevice(v3 ? 7 : 5);
    deactivate = vm.systemRegister("ICC_DIR_EL1");
    for (int group = 0; group < 2; group++) {
      acknowledge[group] = vm.systemRegister("ICC_IAR" + group + "_EL1");
      end[group] = vm.systemRegister("ICC_EOIR" + group + "_EL1");
    }
    bringUp();
    if (driver) {
      startDriver();
    }
  }

  /** What a client does. */
  private void bringUp() throws KvmException {
    if (v3) {
      device.set(0, 2, DISTRIBUTOR);
      device.set(0, 3, REDISTRIBUTORS);
    } else {
      device.set(0, 0, DISTRIBUTOR);
      device.set(0, 1, CPU_INTERFACE);
    }
    device.set(3, 0, INTERRUPTS);
    device.set(4, 0, 0);
  }

  /** What a guest's driver does. */
  private void startDriver() throws KvmException {
    for (int i = 0; i < vcpus.length; i++) {
      Vcpu vcpu = vcpus[i];
      vcpu.enter();
      if (v3) {
        write(vcpu, "ICC_PMR_EL1", 0xff);
        write(vcpu, "ICC_IGRPEN1_EL1", 1);
        vcpu.write(REDISTRIBUTORS + i * 0x2_0000L + 0x1_0100, 4, 0xffff_ffffL);
      } else {
        vcpu.write(CPU_INTERFACE + 4, 4, 0xff);
        vcpu.write(CPU_INTERFACE, 4, 1);
        vcpu.write(DISTRIBUTOR + 0x100, 4, 0xffff_ffffL);
      }
      vcpu.exit();
    }
    Vcpu first = vcpus[0];
    first.enter();
    first.write(DISTRIBUTOR, 4, v3 ? 2 : 1);
    for (int at = 4; at < INTERRUPTS / 8; at += 4) {
      first.write(DISTRIBUTOR + 0x100 + at, 4, 0xffff_ffffL);
    }
    for (int intid = 32; intid < INTERRUPTS && !v3; intid++) {
      first.write(DISTRIBUTOR + 0x800 + intid, 1, 1);
    }
    first.exit();
  }

  Vgic vgic() {
    return VgicProvider.of(vm.machine());
  }

  void write(Vcpu vcpu, String register, long value) throws KvmException {
    vcpu.write(vm.systemRegister(register), value);
  }

  long read(Vcpu vcpu, String register) throws KvmException {
    return vcpu.read(vm.systemRegister(register));
  }

  /** Acknowledges and ends one interrupt, or none: SPURIOUS. */
  int take(int cpu) throws KvmException {
    Vcpu vcpu = vcpus[cpu];
    vcpu.enter();
    int acknowledged = acknowledge(vcpu);
    if (acknowledged != SPURIOUS) {
      end(vcpu, acknowledged);
    }
    vcpu.exit();
    return acknowledged;
  }

  /**
   * Where vCPU 0's own interrupts have the registers that GICD and GICR_SGI have alike; on a GICv2
   * they are banked, so that vCPU 0 alone gets there.
   */
  long own(int offset) {
    return v3 ? REDISTRIBUTORS + 0x1_0000 + offset : DISTRIBUTOR + offset;
  }

  /** Drives an SPI's line. */
  void line(int intid, boolean high) throws KvmException {
    vm.irqLine(1 << 24 | intid, high ? 1 : 0);
  }

  /** Drives the lines that are high in another VM, as that one's devices do after a restore. */
  void driveLinesOf(TestGic other) throws KvmException {
    for (int intid = 32; intid < INTERRUPTS; intid++) {
      Interrupt irq = other.vgic().spi(intid);
      if (irq != null && !irq.edge && irq.line) {
        line(intid, true);
      }
    }
  }

  /** GICC_PMR, ICC_PMR_EL1. */
  void priorityMask(Vcpu vcpu, int mask) throws KvmException {
    if (v3) {
      write(vcpu, "ICC_PMR_EL1", mask);
    } else {
      vcpu.write(CPU_INTERFACE + 4, 4, mask);
    }
  }

  /** Enables or disables what is signalled: group 1 of a GICv3, group 0 of a GICv2. */
  void signals(Vcpu vcpu, boolean on) throws KvmException {
    if (v3) {
      write(vcpu, "ICC_IGRPEN1_EL1", on ? 1 : 0);
    } else {
      vcpu.write(CPU_INTERFACE, 4, on ? 1 : 0);
    }
  }

  /** The first vCPU sends itself an SGI. */
  void sgiToItself(Vcpu vcpu, int intid) throws KvmException {
    if (v3) {
      write(vcpu, "ICC_SGI1R_EL1", 1 | (long) intid << 24);
    } else {
      vcpu.write(DISTRIBUTOR + 0xf00, 4, 2L << 24 | intid);
    }
  }

  void levelSensitive(int intid) throws KvmException {
    long at = DISTRIBUTOR + 0xc00 + intid / 16 * 4;
    long now = vcpus[0].read(at, 4);
    vcpus[0].write(at, 4, now & ~(2L << intid % 16 * 2));
  }

  void priority(int intid, int priority) throws KvmException {
    vcpus[0].write(DISTRIBUTOR + 0x400 + intid, 1, priority);
  }

  void route(Vcpu writer, int intid, int cpu) throws KvmException {
    if (v3) {
      writer.write(DISTRIBUTOR + 0x6000 + intid * 8L, 8, cpu);
    } else {
      writer.write(DISTRIBUTOR + 0x800 + intid, 1, 1L << cpu);
    }
  }

  /** Acknowledges an interrupt of the group that is enabled; 1023 where there is none. */
  int acknowledge(Vcpu vcpu) throws KvmException {
    return v3 ? (int) vcpu.read(acknowledge[1]) : (int) vcpu.read(CPU_INTERFACE + 0xc, 4);
  }

  void end(Vcpu vcpu, int acknowledged) throws KvmException {
    if (v3) {
      vcpu.write(end[1], acknowledged);
    } else {
      vcpu.write(CPU_INTERFACE + 0x10, 4, acknowledged);
    }
  }

  void deactivate(Vcpu vcpu, int acknowledged) throws KvmException {
    if (v3) {
      vcpu.write(deactivate, acknowledged);
    } else {
      vcpu.write(CPU_INTERFACE + 0x1000, 4, acknowledged);
    }
  }

  /** EOImode: ends only drop the priority. */
  void splitDeactivation(Vcpu vcpu) throws KvmException {
    if (v3) {
      write(vcpu, "ICC_CTLR_EL1", 2);
    } else {
      vcpu.write(CPU_INTERFACE, 4, 1 | 1 << 9);
    }
  }

  @Override
  public void close() {
    vm.close();
  }

  @Override
  public String toString() {
    return v3 ? "GICv3" : "GICv2";
  }
}
