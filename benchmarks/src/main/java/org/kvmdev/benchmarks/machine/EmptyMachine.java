package org.kvmdev.benchmarks.machine;

import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/** A VM with the device that does nothing. */
public final class EmptyMachine {
  private final Vcpu vcpu;

  /**
   * Makes the VM.
   *
   * @param kvm the device types
   * @throws KvmException not thrown
   */
  public EmptyMachine(Kvm kvm) throws KvmException {
    Vm vm = kvm.createVm(Family.EMPTY.host);
    vcpu = vm.createVcpu(0);
    vm.createDevice(Family.EMPTY.type);
    vcpu.enter();
  }

  /**
   * A guest's load of the register.
   *
   * @return the path
   */
  public Path read() {
    return new MmioRead(vcpu, EmptyProvider.BASE);
  }
}
