package org.kvmdev.benchmarks.machine;

import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/** A VM with a XICS, and its servers' vCPUs in the guest. */
public final class XicsMachine {
  /** The source of server 0; each server has one of its own, in cache lines of their own. */
  static final int SOURCE = 0x1040;

  private static final int APART = 16;
  private static final int BLOCK = 0x1000;
  private static final int BLOCK_SIZE = 1024;
  private static final int CAP_PPC_PAPR = 68;
  private static final int CAP_IRQ_XICS = 92;
  private static final int SOURCES_GROUP = 1;

  // Hypercalls.
  private static final int H_EOI = 0x64;
  private static final int H_CPPR = 0x68;
  private static final int H_IPI = 0x6c;
  private static final int H_XIRR = 0x74;

  private static final long URGENT = 4;
  private static final long COMMON = 5;
  private static final long NONE = 0xff;
  private static final int INTERPROCESSOR = 2;

  /** As many as a CPU has; two CPUs' must not lie in one cache line. */
  private static final int GUEST_REGISTERS = 32;

  private static final int SOURCE_BITS = 0xff_ffff;

  private final Vm vm;
  private final Device xics;
  private final Vcpu[] vcpus;

  /**
   * Makes the VM.
   *
   * @param kvm has the family's jar
   * @param servers how many vCPUs
   * @throws KvmException not thrown
   */
  public XicsMachine(Kvm kvm, int servers) throws KvmException {
    vm = kvm.createVm(Family.XICS.host);
    xics = vm.createDevice(Family.XICS.type);
    vcpus = new Vcpu[servers];
    long[] registers = new long[GUEST_REGISTERS];
    for (int server = 0; server < servers; server++) {
      vcpus[server] = vm.createVcpu(server);
    }
    connect(xics, vcpus);
    for (int server = 0; server < servers; server++) {
      vcpus[server].enter();
      registers[1] = NONE;
      vcpus[server].hypercall(H_CPPR, registers);
      xics.set(SOURCES_GROUP, SOURCE + APART * server, server | URGENT << 32);
    }
  }

  /** Makes the vCPUs servers 0 and up. */
  static void connect(Device xics, Vcpu... vcpus) throws KvmException {
    for (int server = 0; server < vcpus.length; server++) {
      vcpus[server].enableCapability(CAP_PPC_PAPR);
      vcpus[server].connect(CAP_IRQ_XICS, xics, server);
    }
  }

  /**
   * Makes every other source of the block pending at server 0, the only one.
   *
   * @return this
   * @throws KvmException not thrown
   */
  public XicsMachine fill() throws KvmException {
    for (int source = BLOCK; source < BLOCK + BLOCK_SIZE; source++) {
      if (source != SOURCE) {
        xics.set(SOURCES_GROUP, source, COMMON << 32);
        vm.irqLine(source, 1);
      }
    }
    return this;
  }

  /**
   * A source, an edge: raise, H_XIRR, H_EOI.
   *
   * @param server where it is sent
   * @return the path
   */
  public Path source(int server) {
    Vcpu vcpu = vcpus[server];
    int source = SOURCE + APART * server;
    long[] registers = new long[GUEST_REGISTERS];
    return times -> {
      for (int i = 0; i < times; i++) {
        vm.irqLine(source, 1);
        vcpu.hypercall(H_XIRR, registers);
        require((int) registers[1], source);
        vcpu.hypercall(H_EOI, registers);
      }
      return times;
    };
  }

  /**
   * An inter-processor interrupt of server 0 to itself: H_IPI, H_XIRR, H_IPI that withdraws it,
   * H_EOI.
   *
   * @return the path
   */
  public Path interprocessor() {
    Vcpu vcpu = vcpus[0];
    long[] registers = new long[GUEST_REGISTERS];
    return times -> {
      for (int i = 0; i < times; i++) {
        request(vcpu, registers, URGENT);
        vcpu.hypercall(H_XIRR, registers);
        long xirr = registers[1];
        require((int) xirr, INTERPROCESSOR);
        request(vcpu, registers, NONE);
        registers[1] = xirr;
        vcpu.hypercall(H_EOI, registers);
      }
      return times;
    };
  }

  private static void request(Vcpu vcpu, long[] registers, long mfrr) throws KvmException {
    registers[1] = 0;
    registers[2] = mfrr;
    vcpu.hypercall(H_IPI, registers);
  }

  private static void require(int xirr, int source) {
    if ((xirr & SOURCE_BITS) != source) {
      throw new AssertionError("accepted " + (xirr & SOURCE_BITS) + " instead of " + source);
    }
  }
}
