package org.kvmdev.devices.mpic;

import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.Vcpu;

/**
 * KVM_CAP_IRQ_MPIC: enabled on a vCPU, it connects it to the device; the arguments are the device's
 * file and the CPU's number (Documentation/virt/kvm/api.rst, section 6.6). KVM_CAP_SW_TLB gives it
 * its TLB; KVM_CAP_PPC_PAPR is taken, and the vCPU is of no use thereafter. That they exist is in
 * the host's file.
 */
final class MpicCapability implements Capabilities {
  private static final int KVM_CAP_PPC_PAPR = 68;
  private static final int KVM_CAP_SW_TLB = 69;
  private static final int KVM_CAP_IRQ_MPIC = 90;

  private static final KvmException OTHER_TYPE =
      KvmException.constant(Errno.EPERM, "the file is a device's, but no MPIC's");
  private static final KvmException OTHER_VM =
      KvmException.constant(Errno.EPERM, "the MPIC is another VM's than the vCPU");

  @Override
  public boolean enable(int capability, Vcpu vcpu, long[] arguments, Files files)
      throws KvmException {
    if (capability == KVM_CAP_PPC_PAPR) {
      E500Requests.of(vcpu.machine()).cpu(vcpu).papr = true;
      return true;
    }
    if (capability == KVM_CAP_SW_TLB) {
      long word = -1L >>> 64 - vcpu.machine().host().number("word.bits", 64);
      E500Requests.of(vcpu.machine())
          .cpu(vcpu)
          .tlb
          .configure(vcpu, files.memory(), arguments[0] & word, word);
      return true;
    }
    if (capability != KVM_CAP_IRQ_MPIC) {
      return false;
    }
    DeviceOps device = files.device(arguments[0]);
    if (!(device instanceof MpicDevice mpic)) {
      throw OTHER_TYPE;
    }
    if (mpic.machine() != vcpu.machine()) {
      throw OTHER_VM;
    }
    // The number is 32 bits wide; the upper half of the argument is dropped.
    int number = (int) arguments[1];
    if (number < 0 || number >= Cpu.COUNT) {
      throw new KvmException(
          Errno.EPERM,
          "there is no CPU %d: numbers are 0 to %d",
          Integer.toUnsignedLong(number),
          Cpu.COUNT - 1);
    }
    mpic.connect(vcpu, number);
    return true;
  }

  @Override
  public void enabled(Vcpu vcpu) throws KvmException {
    E500Requests.of(vcpu.machine()).requireSane(vcpu);
  }
}
