package org.kvmdev.benchmarks.machine;

import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/** A VM is made with 8 vCPUs and its device, which is brought up, and closed. */
public record VmLife(Kvm kvm, Family family) implements Path {
  private static final int VCPUS = 8;

  @Override
  public long take(int times) throws KvmException {
    Vcpu[] vcpus = new Vcpu[VCPUS];
    for (int i = 0; i < times; i++) {
      try (Vm vm = kvm.createVm(family.host)) {
        for (int id = 0; id < VCPUS; id++) {
          vcpus[id] = family.createVcpu(vm, id);
        }
        try (Device device = vm.createDevice(family.type)) {
          family.bringUp(device, vcpus);
        }
        for (Vcpu vcpu : vcpus) {
          vcpu.close();
        }
      }
    }
    return times;
  }
}
