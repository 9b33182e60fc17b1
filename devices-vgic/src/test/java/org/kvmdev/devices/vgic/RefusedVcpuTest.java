package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Vcpu;
import org.kvmdev.api.machine.VcpuLifecycle;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Vm;

/** A vCPU that another family refuses when the GIC knows of it already. */
class RefusedVcpuTest {
  private static final int PPI_20_OF_1 = 2 << 24 | 1 << 16 | 20;

  private boolean refusing;

  /** Another family's port, which is told after the GIC's. */
  private final class Other implements VcpuLifecycle {
    @Override
    public void created(Vcpu vcpu) throws KvmException {
      if (refusing) {
        throw KvmException.constant(Errno.ENOSPC, "no more vCPUs");
      }
    }
  }

  private Vm vm(String host) throws KvmException {
    Vm vm = Kvm.of(List.of(new VgicProvider())).createVm(host);
    vm.machine().plug(new Other());
    return vm;
  }

  private static Errno errno(Executable call) {
    return assertThrows(KvmException.class, call).errno();
  }

  @Test
  void a_gicv2_does_not_know_it() throws KvmException {
    try (Vm vm = vm("arm64-gicv2-6.1")) {
      Device gic = vm.createDevice(5);
      vm.createVcpu(0);
      refusing = true;
      assertEquals(Errno.ENOSPC, errno(() -> vm.createVcpu(1)));
      gic.set(0, 0, TestGic.DISTRIBUTOR);
      gic.set(0, 1, TestGic.CPU_INTERFACE);
      gic.set(4, 0, 0);
      assertEquals(0, gic.get(1, 4) >>> 5 & 7, "GICD_TYPER has one CPU");
      assertEquals(Errno.EINVAL, errno(() -> gic.has(1, 1L << 32)));
      assertEquals(Errno.EINVAL, errno(() -> vm.irqLine(PPI_20_OF_1, 1)));
    }
  }

  @Test
  void a_gicv3_gives_its_place_to_the_next() throws KvmException {
    try (Vm vm = vm("arm64-gicv3-6.1")) {
      Device gic = vm.createDevice(7);
      gic.set(0, 2, TestGic.DISTRIBUTOR);
      gic.set(0, 3, TestGic.REDISTRIBUTORS);
      vm.createVcpu(0);
      int regions = vm.machine().mmio().regions().size();
      refusing = true;
      assertEquals(Errno.ENOSPC, errno(() -> vm.createVcpu(1)));
      assertEquals(regions, vm.machine().mmio().regions().size());
      refusing = false;
      vm.createVcpu(1);
      assertTrue(
          vm.machine().mmio().regions().stream()
              .anyMatch(region -> region.base() == TestGic.REDISTRIBUTORS + 0x2_0000L));
      gic.set(4, 0, 0);
      vm.irqLine(PPI_20_OF_1, 1);
    }
  }
}
