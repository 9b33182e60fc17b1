package org.kvmdev.devices.xics;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Vcpu;

/** What the capabilities ({@link PaprCapability}) answer and do. */
final class PaprCapabilities implements Capabilities {
  private static final KvmException NOT_PAPR =
      KvmException.constant(
          Errno.EINVAL,
          "the capability is enabled, but the vCPU cannot run until KVM_CAP_PPC_PAPR is too");
  private static final KvmException NOT_THE_XICS =
      KvmException.constant(
          Errno.EPERM, "the file descriptor of KVM_CAP_IRQ_XICS is not of this VM's XICS");
  private static final KvmException NO_XIVE =
      KvmException.constant(Errno.ENXIO, "the host has no XIVE; KVM_CAP_IRQ_XICS connects a XICS");

  @Override
  public int check(int number, @Nullable Machine machine) {
    PaprCapability capability = PaprCapability.of(number);
    if (capability == PaprCapability.KVM_CAP_PPC_SMT && machine != null) {
      return Partition.of(machine).threads();
    }
    // Where there is none, the host's file tells.
    return capability == null || capability.answer == 0 ? UNKNOWN : capability.answer;
  }

  @Override
  public boolean enable(int number, Machine machine, long[] arguments) throws KvmException {
    PaprCapability capability = PaprCapability.of(number);
    if (capability == PaprCapability.KVM_CAP_PPC_SMT) {
      Partition.of(machine).setThreads(arguments[0], arguments[1]);
      return true;
    }
    if (capability != PaprCapability.KVM_CAP_PPC_ENABLE_HCALL) {
      return false;
    }
    Partition.of(machine).hypercalls().set(arguments[0], arguments[1]);
    return true;
  }

  @Override
  public boolean enable(int number, Vcpu vcpu, long[] arguments, Files files) throws KvmException {
    PaprCapability capability = PaprCapability.of(number);
    if (capability == null) {
      return false;
    }
    return switch (capability) {
      case KVM_CAP_PPC_PAPR -> {
        Partition.of(vcpu.machine()).processor(vcpu).setPapr();
        yield true;
      }
      case KVM_CAP_IRQ_XICS -> {
        DeviceOps device = files.device(arguments[0]);
        if (!(device instanceof Xics xics) || xics.machine() != vcpu.machine()) {
          throw NOT_THE_XICS;
        }
        xics.connect(vcpu, (int) arguments[1]);
        yield true;
      }
      case KVM_CAP_PPC_IRQ_XIVE -> throw noXive(arguments[0], files);
      case KVM_CAP_PPC_SMT, KVM_CAP_PPC_RTAS, KVM_CAP_PPC_ENABLE_HCALL -> false;
    };
  }

  /** Linux looks for the file first, but not what it is. */
  private static KvmException noXive(long descriptor, Files files) {
    try {
      files.device(descriptor);
    } catch (KvmException e) {
      return e.errno() == Errno.EBADF ? e : NO_XIVE;
    }
    return NO_XIVE;
  }

  @Override
  public void enabled(Vcpu vcpu) throws KvmException {
    if (!Partition.of(vcpu.machine()).processor(vcpu).isPapr()) {
      throw NOT_PAPR;
    }
  }
}
