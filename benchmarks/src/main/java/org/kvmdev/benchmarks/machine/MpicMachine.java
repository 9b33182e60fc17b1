package org.kvmdev.benchmarks.machine;

import java.util.List;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Routing;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/** A VM with an MPIC in mixed mode, and a vCPU in the guest. */
public final class MpicMachine {
  private static final int CAP_IRQ_MPIC = 90;
  private static final int SOURCES = 256;
  private static final long BASE = 0xe004_0000L;

  // Attribute groups.
  private static final int MISC = 1;
  private static final int REGISTER = 2;
  private static final int IRQ_ACTIVE = 3;

  // Registers, by their offsets.
  private static final int IPIDR0 = 0x40;
  private static final int CTPR = 0x80;
  private static final int IACK = 0xa0;
  private static final int EOI = 0xb0;
  private static final int GCR = 0x1020;
  private static final int IPIVPR0 = 0x10a0;
  private static final int EIVPR0 = 0x1_0000;
  private static final int EIDR0 = 0x1_0010;
  private static final int STRIDE = 0x20;

  private static final int MIXED_MODE = 0x2000_0000;
  private static final int URGENT = 10 << 16;
  private static final int COMMON = 5 << 16;
  private static final int SOURCE = 3;
  private static final int INTERPROCESSOR = 0x300;

  private final Vm vm;
  private final Device mpic;
  private final Vcpu vcpu;

  /**
   * Makes the VM.
   *
   * @param kvm has the family's jar
   * @param family MPIC_20 or MPIC_42
   * @throws KvmException not thrown
   */
  public MpicMachine(Kvm kvm, Family family) throws KvmException {
    vm = kvm.createVm(family.host);
    vcpu = vm.createVcpu(0);
    mpic = vm.createDevice(family.type);
    connect(mpic, vcpu);
    mpic.set(MISC, 0, BASE);
    mpic.set(REGISTER, GCR, MIXED_MODE);
    mpic.set(REGISTER, IPIVPR0, URGENT | INTERPROCESSOR);
    mpic.set(REGISTER, EIVPR0 + SOURCE * STRIDE, URGENT | SOURCE);
    mpic.set(REGISTER, EIDR0 + SOURCE * STRIDE, 1);
    vm.setGsiRouting(List.of(new Routing.Route.Pin(SOURCE, 0, SOURCE)));
    vcpu.enter();
    vcpu.write(BASE + CTPR, 4, 0);
  }

  /** Makes the vCPUs the device's CPUs 0 and up. */
  static void connect(Device mpic, Vcpu... vcpus) throws KvmException {
    for (int cpu = 0; cpu < vcpus.length; cpu++) {
      vcpus[cpu].connect(CAP_IRQ_MPIC, mpic, cpu);
    }
  }

  /**
   * Makes every other source pending.
   *
   * @return this
   * @throws KvmException not thrown
   */
  public MpicMachine fill() throws KvmException {
    for (int source = 0; source < SOURCES; source++) {
      if (source != SOURCE) {
        mpic.set(REGISTER, EIVPR0 + (long) source * STRIDE, COMMON | source);
        mpic.set(REGISTER, EIDR0 + (long) source * STRIDE, 1);
        mpic.set(IRQ_ACTIVE, source, 1);
      }
    }
    return this;
  }

  /**
   * A source, an edge: raise, acknowledge, end.
   *
   * @return the path
   */
  public Path source() {
    return times -> {
      for (int i = 0; i < times; i++) {
        vm.irqLine(SOURCE, 1);
        take(SOURCE);
      }
      return times;
    };
  }

  /**
   * An interprocessor interrupt that the CPU sends itself: dispatch, acknowledge, end.
   *
   * @return the path
   */
  public Path interprocessor() {
    return times -> {
      for (int i = 0; i < times; i++) {
        vcpu.write(BASE + IPIDR0, 4, 1);
        take(INTERPROCESSOR);
      }
      return times;
    };
  }

  private void take(int wanted) throws KvmException {
    long vector = vcpu.read(BASE + IACK, 4);
    if (vector != wanted) {
      throw new AssertionError("acknowledged " + vector + " instead of " + wanted);
    }
    vcpu.write(BASE + EOI, 4, 0);
  }

  /**
   * A guest's load of EIVPR of a source.
   *
   * @return the path
   */
  public Path read() {
    return new MmioRead(vcpu, BASE + EIVPR0 + SOURCE * STRIDE);
  }
}
