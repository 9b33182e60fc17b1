package org.kvmdev.cli.readme;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.nio.ByteBuffer;
import java.util.concurrent.Semaphore;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.SystemRegister;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/** The same with a GICv3: system registers instead of MMIO, and interrupts routed by affinity. */
public final class GicLoop {
  private static final int KVM_ARM_VCPU_INIT = 0x4020_aeae;
  private static final int GENERIC_V8 = 5;
  private static final long DISTRIBUTOR = 0x0800_0000L;
  private static final long REDISTRIBUTORS = 0x080a_0000L;
  private static final int SPI = 40;
  private static final int SPI_LINE = 1 << 24 | SPI; // KVM_IRQ_LINE's encoding on arm64
  private static final int INTERRUPTS = 4;

  public static void main(String[] args) throws Exception {
    try (Kvm kvm = Kvm.load();
        Vm vm = kvm.createVm("arm64-gicv3-6.1");
        Device gic = vm.createDevice("KVM_DEV_TYPE_ARM_VGIC_V3");
        Vcpu cpu0 = vm.createVcpu(0);
        Vcpu cpu1 = vm.createVcpu(1)) {
      byte[] init = ByteBuffer.allocate(32).order(LITTLE_ENDIAN).putInt(GENERIC_V8).array();
      cpu0.request(KVM_ARM_VCPU_INIT, init);
      cpu1.request(KVM_ARM_VCPU_INIT, init);
      gic.set(gic.attribute("KVM_VGIC_V3_ADDR_TYPE_DIST"), DISTRIBUTOR);
      gic.set(gic.attribute("KVM_VGIC_V3_ADDR_TYPE_REDIST"), REDISTRIBUTORS);
      gic.set(gic.attribute("KVM_DEV_ARM_VGIC_CTRL_INIT"), 0);

      cpu0.enter();
      cpu0.write(DISTRIBUTOR, 4, 0x12); // GICD_CTLR: affinity routing, group 1
      cpu0.write(DISTRIBUTOR + 0x84, 4, 0xffff_ffffL); // GICD_IGROUPR1
      cpu0.write(DISTRIBUTOR + 0xc08, 4, 0); // GICD_ICFGR2: level-sensitive
      cpu0.write(DISTRIBUTOR + 0x104, 4, 1 << SPI - 32); // GICD_ISENABLER1
      cpu0.exit();

      Semaphore served = new Semaphore(0);
      Semaphore ready = new Semaphore(0);
      Thread first = Thread.ofPlatform().start(() -> run(vm, cpu0, ready, served));
      Thread second = Thread.ofPlatform().start(() -> run(vm, cpu1, ready, served));
      ready.acquire(2);
      for (int i = 0; i < INTERRUPTS; i++) {
        vm.irqLine(SPI_LINE, 1);
        served.acquire();
      }
      first.interrupt();
      second.interrupt();
      first.join();
      second.join();
    }
  }

  private static void run(Vm vm, Vcpu cpu, Semaphore ready, Semaphore served) {
    SystemRegister iar = vm.systemRegister("ICC_IAR1_EL1");
    SystemRegister eoir = vm.systemRegister("ICC_EOIR1_EL1");
    Semaphore raised = new Semaphore(0);
    cpu.onPin(
        (pin, high) -> {
          if (high) {
            raised.release();
          }
        });
    try {
      cpu.enter(); // the guest runs, and sleeps in it: what is injected reaches it there
      cpu.write(vm.systemRegister("ICC_PMR_EL1"), 0xf0);
      cpu.write(vm.systemRegister("ICC_IGRPEN1_EL1"), 1);
      ready.release();
      while (true) {
        raised.acquire();
        long intid = cpu.read(iar);
        System.out.printf("CPU %d took interrupt %d%n", cpu.id(), intid);
        vm.irqLine(SPI_LINE, 0); // as the device does whose driver has read its status
        int next = 1 - cpu.id();
        cpu.write(DISTRIBUTOR + 0x6000 + 8 * SPI, 8, next); // GICD_IROUTER: the other CPU
        cpu.write(eoir, intid);
        served.release();
      }
    } catch (InterruptedException end) {
      // The machine is switched off.
    } catch (KvmException refusal) {
      throw new IllegalStateException(refusal);
    } finally {
      leave(cpu);
    }
  }

  private static void leave(Vcpu cpu) {
    try {
      cpu.exit();
    } catch (KvmException fault) {
      throw new IllegalStateException(fault);
    }
  }
}
