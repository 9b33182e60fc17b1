package org.kvmdev.devices.xics;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Vcpu;

/** The capabilities of partitions and their interrupt controller. */
final class PaprCapabilities implements Capabilities {
  private static final int PPC_PAPR = 68;
  private static final int PPC_RTAS = 91;
  private static final int IRQ_XICS = 92;
  private static final int PPC_ENABLE_HCALL = 104;
  private static final int PPC_IRQ_XIVE = 169;

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
  public int check(int capability, @Nullable Machine machine) {
    return switch (capability) {
      case PPC_PAPR, PPC_RTAS, IRQ_XICS, PPC_ENABLE_HCALL -> 1;
      default -> UNKNOWN;
    };
  }

  @Override
  public boolean enable(int capability, Machine machine, long[] arguments) throws KvmException {
    if (capability != PPC_ENABLE_HCALL) {
      return false;
    }
    Partition.of(machine).hypercalls().set(arguments[0], arguments[1]);
    return true;
  }

  @Override
  public boolean enable(int capability, Vcpu vcpu, long[] arguments, Files files)
      throws KvmException {
    switch (capability) {
      case PPC_PAPR -> Partition.of(vcpu.machine()).processor(vcpu).setPapr();
      case IRQ_XICS -> {
        DeviceOps device = files.device(arguments[0]);
        if (!(device instanceof Xics xics) || xics.machine() != vcpu.machine()) {
          throw NOT_THE_XICS;
        }
        xics.connect(vcpu, (int) arguments[1]);
      }
      case PPC_IRQ_XIVE -> throw noXive(arguments[0], files);
      default -> {
        return false;
      }
    }
    return true;
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
