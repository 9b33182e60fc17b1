package org.kvmdev.devices.vgic;

import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.LineEncoding;

/**
 * KVM_IRQ_LINE's numbers on Arm: a type in 27:24, the vCPU's index in 23:16 with its upper bits in
 * 31:28, the interrupt in 15:0 (Documentation/virt/kvm/api.rst, 4.25).
 */
final class ArmLines implements LineEncoding {
  /** A vCPU's own IRQ (0) or FIQ (1), where no GIC drives it. */
  private static final int CPU = 0;

  private static final int SPI = 1;
  private static final int PPI = 2;

  private static final KvmException GIC =
      KvmException.constant(
          Errno.ENXIO, "the VM has a GIC, which alone drives its CPUs' lines: use SPIs or PPIs");
  private static final KvmException NO_GIC =
      KvmException.constant(Errno.ENXIO, "the VM has no GIC, so there are no SPIs and PPIs");
  private static final KvmException NO_VCPU =
      KvmException.constant(Errno.EINVAL, "no vCPU has the index of the line's bits 23:16");
  private static final KvmException NO_LINE =
      KvmException.constant(
          Errno.EINVAL, "no such line: IRQ is 0 and FIQ 1, PPIs are 16 to 31, SPIs from 32");
  private static final KvmException NO_TYPE =
      KvmException.constant(Errno.EINVAL, "a line's type (27:24) is 0 CPU, 1 SPI or 2 PPI");

  private final Vgic vgic;
  private final VgicCpu[] cpus;

  ArmLines(Vgic vgic) {
    this.vgic = vgic;
    cpus = vgic.cpus;
  }

  @Override
  public int line(int encoded, int level) throws KvmException {
    int number = encoded & 0xffff;
    boolean high = level != 0;
    boolean ready = vgic.isInitialised();
    switch (encoded >>> 24 & 0xf) {
      case CPU -> {
        if (vgic.exists()) {
          throw GIC;
        }
        VgicCpu cpu = cpu(encoded);
        if (number > 1) {
          throw NO_LINE;
        }
        cpu.line(number, high);
      }
      case PPI -> {
        requireGic(ready);
        VgicCpu cpu = cpu(encoded);
        if (number < Interrupt.SGIS || number >= Interrupt.PRIVATE) {
          throw NO_LINE;
        }
        if (!ready) {
          vgic.initialiseLazily();
        }
        vgic.injectPrivate(cpu, number, high);
      }
      case SPI -> {
        requireGic(ready);
        if (number < Interrupt.PRIVATE) {
          throw NO_LINE;
        }
        if (!ready) {
          vgic.initialiseLazily();
        }
        vgic.injectShared(number, high);
      }
      default -> throw NO_TYPE;
    }
    return 0;
  }

  /** What is initialised exists, and mostly it is. */
  private void requireGic(boolean ready) throws KvmException {
    if (!ready && !vgic.exists()) {
      throw NO_GIC;
    }
  }

  private VgicCpu cpu(int encoded) throws KvmException {
    int index = (encoded >>> 16 & 0xff) + (encoded >>> 28) * 256;
    VgicCpu cpu = index < cpus.length ? cpus[index] : null;
    if (cpu == null) {
      throw NO_VCPU;
    }
    return cpu;
  }
}
