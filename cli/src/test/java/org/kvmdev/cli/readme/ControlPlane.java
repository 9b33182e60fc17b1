package org.kvmdev.cli.readme;

import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Snapshot;
import org.kvmdev.runtime.Vm;

/** A control plane: brings a POWER machine's MPIC up, saves it, and restores it in another VM. */
public final class ControlPlane {
  private static final int KVM_CAP_IRQ_MPIC = 90;
  private static final int REGISTER = 2; // KVM_DEV_MPIC_GRP_REGISTER
  private static final int EIVPR3 = 0x10060; // vector and priority of external interrupt 3

  public static void main(String[] args) throws KvmException {
    try (Kvm kvm = Kvm.load();
        Vm vm = kvm.createVm("powerpc-e500v2-6.12");
        Device mpic = bringUp(vm)) {
      mpic.set(REGISTER, EIVPR3, 0x0005_0042); // priority 5, vector 0x42
      try {
        mpic.set(mpic.attribute("KVM_DEV_MPIC_BASE_ADDR"), 0x1000);
      } catch (KvmException refusal) {
        System.out.println(refusal.getMessage());
      }

      Snapshot saved = vm.save();
      try (Vm second = kvm.createVm("powerpc-e500v2-6.12");
          Device restored = bringUp(second)) {
        second.restore(saved);
        System.out.printf("EIVPR3 is %#x%n", restored.get(REGISTER, EIVPR3));
      }
    }
  }

  private static Device bringUp(Vm vm) throws KvmException {
    Device mpic = vm.createDevice("KVM_DEV_TYPE_FSL_MPIC_42");
    vm.createVcpu(0).connect(KVM_CAP_IRQ_MPIC, mpic, 0);
    mpic.set(mpic.attribute("KVM_DEV_MPIC_BASE_ADDR"), 0xe004_0000L);
    return mpic;
  }
}
