package org.kvmdev.benchmarks.machine;

import java.nio.ByteOrder;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.SystemRegister;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/** A VM with a GICv2 or GICv3 of 992 interrupts, all enabled, and its vCPUs in the guest. */
public final class VgicMachine {
  private static final int INTERRUPTS = 992;

  // KVM_IRQ_LINE's numbers.
  private static final int SPI = 1 << 24;
  private static final int PPI = 2 << 24;

  // Guest physical addresses.
  private static final long DISTRIBUTOR = 0x800_0000;
  private static final long CPU_INTERFACE = 0x801_0000;
  static final long REDISTRIBUTORS = 0x80a_0000;
  private static final long SGI_FRAME = REDISTRIBUTORS + 0x1_0000;

  // The interrupts that are measured, of a priority above all others'.
  private static final int SGI_ID = 3;
  private static final int PPI_ID = 20;
  private static final int SPI_ID = 40;
  private static final int FIRST_OTHER = 48;
  private static final int URGENT = 0x20;
  private static final int COMMON = 0x80;

  private final boolean v3;
  final Vm vm;
  final Vcpu[] vcpus;

  private final SystemRegister acknowledge;
  private final SystemRegister end;
  private final SystemRegister generateSgi;

  /**
   * Makes the VM.
   *
   * @param kvm has the family's jar
   * @param family GIC_V2 or GIC_V3
   * @param count how many vCPUs
   * @throws KvmException not thrown
   */
  public VgicMachine(Kvm kvm, Family family, int count) throws KvmException {
    v3 = family == Family.GIC_V3;
    vm = kvm.createVm(family.host);
    vcpus = new Vcpu[count];
    for (int id = 0; id < count; id++) {
      vcpus[id] = family.createVcpu(vm, id);
    }
    bringUp(vm.createDevice(family.type), v3);
    acknowledge = vm.systemRegister("ICC_IAR1_EL1");
    end = vm.systemRegister("ICC_EOIR1_EL1");
    generateSgi = vm.systemRegister("ICC_SGI1R_EL1");
    for (int id = count - 1; id >= 0; id--) {
      vcpus[id].enter();
      enable(id);
    }
  }

  /** KVM_ARM_VCPU_INIT, of a generic ARMv8 CPU. */
  static void initialise(Vcpu vcpu) throws KvmException {
    vcpu.request(0x4020_aeae, 0, new GenericV8());
  }

  /** Sets the addresses and the number of interrupts, and initialises. */
  static void bringUp(Device gic, boolean v3) throws KvmException {
    if (v3) {
      gic.set(0, 2, DISTRIBUTOR);
      gic.set(0, 3, REDISTRIBUTORS);
    } else {
      gic.set(0, 0, DISTRIBUTOR);
      gic.set(0, 1, CPU_INTERFACE);
    }
    gic.set(3, 0, INTERRUPTS);
    gic.set(4, 0, 0);
  }

  /** What a guest's driver does for a CPU, and on the first one for the distributor. */
  private void enable(int id) throws KvmException {
    Vcpu vcpu = vcpus[id];
    long own = DISTRIBUTOR;
    if (v3) {
      own = SGI_FRAME + id * 0x2_0000L;
      vcpu.write(vm.systemRegister("ICC_PMR_EL1"), 0xff);
      vcpu.write(vm.systemRegister("ICC_IGRPEN1_EL1"), 1);
      vcpu.write(own + 0x80, 4, 0xffff_ffffL);
    } else {
      vcpu.write(CPU_INTERFACE + 4, 4, 0xff);
      vcpu.write(CPU_INTERFACE, 4, 1);
    }
    vcpu.write(own + 0x100, 4, 0xffff_ffffL);
    for (int intid = 0; intid < 32; intid++) {
      vcpu.write(own + 0x400 + intid, 1, URGENT);
    }
    if (id != 0) {
      return;
    }
    vcpu.write(DISTRIBUTOR, 4, v3 ? 2 : 1);
    for (int intid = 32; intid < INTERRUPTS; intid++) {
      vcpu.write(DISTRIBUTOR + 0x400 + intid, 1, intid < FIRST_OTHER ? URGENT : COMMON);
      if (!v3) {
        vcpu.write(DISTRIBUTOR + 0x800 + intid, 1, 1);
      }
    }
    for (int word = 1; word < INTERRUPTS / 32; word++) {
      vcpu.write(DISTRIBUTOR + 0x80 + 4 * word, 4, v3 ? 0xffff_ffffL : 0);
      vcpu.write(DISTRIBUTOR + 0x100 + 4 * word, 4, 0xffff_ffffL);
    }
    for (int word = 2; word < INTERRUPTS / 16; word++) {
      vcpu.write(DISTRIBUTOR + 0xc00 + 4 * word, 4, 0xaaaa_aaaaL);
    }
  }

  /**
   * Makes every other shared interrupt pending at vCPU 0.
   *
   * @return this
   * @throws KvmException not thrown
   */
  public VgicMachine fill() throws KvmException {
    for (int intid = FIRST_OTHER; intid < INTERRUPTS; intid++) {
      vm.irqLine(SPI | intid, 1);
    }
    return this;
  }

  /**
   * Sends a shared interrupt to a vCPU.
   *
   * @param intid 32 to 47
   * @param id the vCPU's id
   * @throws KvmException not thrown
   */
  private void route(int intid, int id) throws KvmException {
    if (v3) {
      vcpus[0].write(DISTRIBUTOR + 0x6000 + 8L * intid, 8, id);
    } else {
      vcpus[0].write(DISTRIBUTOR + 0x800 + intid, 1, 1 << id);
    }
  }

  int acknowledge(Vcpu vcpu) throws KvmException {
    return v3 ? (int) vcpu.read(acknowledge) : (int) vcpu.read(CPU_INTERFACE + 0xc, 4);
  }

  void end(Vcpu vcpu, int acknowledged) throws KvmException {
    if (v3) {
      vcpu.write(end, acknowledged);
    } else {
      vcpu.write(CPU_INTERFACE + 0x10, 4, acknowledged);
    }
  }

  private static void require(int acknowledged, int intid) {
    if ((acknowledged & 0x3ff) != intid) {
      throw new AssertionError("acknowledged " + acknowledged + " instead of " + intid);
    }
  }

  /**
   * A software generated interrupt that vCPU 0 sends itself: generate, acknowledge, end.
   *
   * @return the path
   */
  public Path sgi() {
    Vcpu vcpu = vcpus[0];
    return times -> {
      for (int i = 0; i < times; i++) {
        if (v3) {
          vcpu.write(generateSgi, (long) SGI_ID << 24 | 1);
        } else {
          vcpu.write(DISTRIBUTOR + 0xf00, 4, 2 << 24 | SGI_ID);
        }
        int acknowledged = acknowledge(vcpu);
        require(acknowledged, SGI_ID);
        end(vcpu, acknowledged);
      }
      return times;
    };
  }

  /**
   * A private peripheral interrupt of vCPU 0, a level: raise, acknowledge, lower, end.
   *
   * @return the path
   */
  public Path ppi() {
    Vcpu vcpu = vcpus[0];
    Vm vm = this.vm;
    return times -> {
      for (int i = 0; i < times; i++) {
        vm.irqLine(PPI | PPI_ID, 1);
        int acknowledged = acknowledge(vcpu);
        require(acknowledged, PPI_ID);
        vm.irqLine(PPI | PPI_ID, 0);
        end(vcpu, acknowledged);
      }
      return times;
    };
  }

  /**
   * A shared peripheral interrupt, an edge: raise, acknowledge, end.
   *
   * @param id the vCPU that it is sent to, 0 or 1; each has one of its own
   * @return the path
   * @throws KvmException not thrown
   */
  public Path spi(int id) throws KvmException {
    Vcpu vcpu = vcpus[id];
    int intid = SPI_ID + 4 * id;
    route(intid, id);
    Vm vm = this.vm;
    return times -> {
      for (int i = 0; i < times; i++) {
        vm.irqLine(SPI | intid, 1);
        int acknowledged = acknowledge(vcpu);
        require(acknowledged, intid);
        end(vcpu, acknowledged);
      }
      return times;
    };
  }

  /**
   * A guest's load of GICD_TYPER.
   *
   * @return the path
   */
  public Path readDistributor() {
    return new MmioRead(vcpus[0], DISTRIBUTOR + 4);
  }

  /**
   * A guest's load of GICD_ISENABLER1, which is gathered from 32 interrupts.
   *
   * @return the path
   */
  public Path readGathered() {
    return new MmioRead(vcpus[0], DISTRIBUTOR + 0x104);
  }

  /**
   * A guest's load from what a CPU has of its own: GICC_PMR, or GICR_TYPER.
   *
   * @return the path
   */
  public Path readOwn() {
    return new MmioRead(vcpus[0], v3 ? REDISTRIBUTORS + 8 : CPU_INTERFACE + 4);
  }

  /** {@code struct kvm_vcpu_init}: target 5, no features. */
  private static final class GenericV8 implements UserMemory {
    @Override
    public ByteOrder order() {
      return ByteOrder.LITTLE_ENDIAN;
    }

    @Override
    public void read(long address, byte[] to, int at, int length) {
      throw new UnsupportedOperationException("numbers alone are read");
    }

    @Override
    public void write(long address, byte[] from, int at, int length) {
      throw new UnsupportedOperationException("nothing is written");
    }

    @Override
    public long readNumber(long address, int size) {
      return address == 0 ? 5 : 0;
    }

    @Override
    public void writeNumber(long address, int size, long value) {
      throw new UnsupportedOperationException("nothing is written");
    }
  }
}
