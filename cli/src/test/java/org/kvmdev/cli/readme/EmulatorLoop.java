package org.kvmdev.cli.readme;

import java.util.List;
import java.util.concurrent.Semaphore;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Routing;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/** An emulator's loop: two CPUs, each a thread, take the interrupts that a device's line raises. */
public final class EmulatorLoop {
  private static final long BASE = 0xe004_0000L;
  private static final long CTPR = BASE + 0x80; // the private window: each CPU sees its own
  private static final long IACK = BASE + 0xa0;
  private static final long EOI = BASE + 0xb0;
  private static final int LINE = 3;
  private static final int INTERRUPTS = 4;

  public static void main(String[] args) throws Exception {
    try (Kvm kvm = Kvm.load();
        Vm vm = kvm.createVm("powerpc-e500v2-6.12");
        Device mpic = vm.createDevice("KVM_DEV_TYPE_FSL_MPIC_42");
        Vcpu cpu0 = vm.createVcpu(0);
        Vcpu cpu1 = vm.createVcpu(1)) {
      cpu0.connect(90, mpic, 0); // KVM_CAP_IRQ_MPIC
      cpu1.connect(90, mpic, 1);
      mpic.set(1, 0, BASE);
      vm.setGsiRouting(List.of(new Routing.Route.Pin(LINE, 0, LINE)));

      Semaphore served = new Semaphore(0);
      Thread first = Thread.ofPlatform().start(() -> run(cpu0, served));
      Thread second = Thread.ofPlatform().start(() -> run(cpu1, served));
      for (int i = 0; i < INTERRUPTS; i++) {
        mpic.set(2, 0x10070, 1L << i % 2); // EIDR3: to this CPU, then to the other
        mpic.set(2, 0x10060, 0x0005_0040 + i); // EIVPR3: priority 5, edge, vector 0x40 and up
        vm.irqLine(LINE, 1);
        served.acquire();
        vm.irqLine(LINE, 0);
      }
      first.interrupt();
      second.interrupt();
      first.join();
      second.join();
    }
  }

  private static void run(Vcpu cpu, Semaphore served) {
    Semaphore raised = new Semaphore(0);
    cpu.onPin(
        (pin, high) -> {
          if (high) {
            raised.release();
          }
        });
    try {
      guest(cpu, CTPR, 0); // takes interrupts of any priority
      while (true) {
        raised.acquire();
        cpu.enter();
        long vector = cpu.read(IACK, 4);
        cpu.exit();
        System.out.printf("CPU %d took vector %#x%n", cpu.id(), vector);
        guest(cpu, EOI, 0);
        served.release();
      }
    } catch (InterruptedException end) {
      // The machine is switched off.
    } catch (KvmException refusal) {
      throw new IllegalStateException(refusal);
    }
  }

  private static void guest(Vcpu cpu, long register, long value) throws KvmException {
    cpu.enter();
    cpu.write(register, 4, value);
    cpu.exit();
  }
}
