package org.kvmdev.devices.mpic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.function.Executable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Routing;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/**
 * A VM with an MPIC and connected CPUs, for tests that read like the manual: configure a source,
 * raise it, acknowledge, end.
 */
final class MpicMachine implements AutoCloseable {
  static final int MPIC_20 = 1;
  static final int MPIC_42 = 2;
  static final String HOST = "powerpc-e500v2-6.12";
  static final long BASE = 0xe004_0000L;
  static final int SPURIOUS = 0xffff;

  /** Written into IVPR. */
  static final int MASKED = 0x8000_0000;

  static final int ACTIVITY = 0x4000_0000;
  static final int LEVEL = 0x0040_0000;

  private static final int MISC = 1;
  private static final int REGISTER = 2;
  private static final int IRQ_ACTIVE = 3;
  private static final int KVM_CAP_IRQ_MPIC = 90;
  private static final int SOURCES = 256;

  final Vm vm;
  final Device device;
  final Vcpu[] vcpus;

  private MpicMachine(int type, int cpus, boolean connected) throws KvmException {
    vm = Kvm.of(List.of(new MpicProvider())).createVm(HOST);
    device = vm.createDevice(type);
    vcpus = new Vcpu[cpus];
    for (int cpu = 0; cpu < cpus; cpu++) {
      vcpus[cpu] = vm.createVcpu(cpu);
      if (connected) {
        connect(cpu, cpu);
        taskPriority(cpu, 0);
      }
    }
    vm.setGsiRouting(
        IntStream.range(0, SOURCES)
            .<Routing.Route>mapToObj(pin -> new Routing.Route.Pin(pin, 0, pin))
            .toList());
  }

  /** CPUs that are connected, take everything, and find the controller at {@link #BASE}. */
  MpicMachine(int type, int cpus) throws KvmException {
    this(type, cpus, true);
    set(MISC, 0, BASE);
  }

  /** As it is just made: vCPUs that are not connected, and nothing for the guest. */
  static MpicMachine unconnected(int type, int vcpus) throws KvmException {
    return new MpicMachine(type, vcpus, false);
  }

  void connect(int vcpu, int number) throws KvmException {
    vcpus[vcpu].connect(KVM_CAP_IRQ_MPIC, device, number);
  }

  /** A source goes to CPUs, by bit, with a priority and a vector. */
  void configure(int source, int cpus, int priority, int vector) throws KvmException {
    register(0x10010 + 0x20 * source, cpus);
    vectorPriority(source, priority << 16 | vector);
  }

  void vectorPriority(int source, int value) throws KvmException {
    register(0x10000 + 0x20 * source, value);
  }

  int vectorPriority(int source) throws KvmException {
    return register(0x10000 + 0x20 * source);
  }

  /** By KVM_IRQ_LINE. */
  void line(int source, int level) throws KvmException {
    vm.irqLine(source, level);
  }

  void raise(int source) throws KvmException {
    line(source, 1);
  }

  void lower(int source) throws KvmException {
    line(source, 0);
  }

  int pending(int source) throws KvmException {
    return (int) device.get(IRQ_ACTIVE, source);
  }

  void pending(int source, long value) throws KvmException {
    device.set(IRQ_ACTIVE, source, value);
  }

  boolean pin(int cpu) {
    return vcpus[cpu].pin(0);
  }

  /** The guest reads IACK in its private window. */
  int acknowledge(int cpu) throws KvmException {
    return guestRead(cpu, 0xa0);
  }

  /** The guest writes EOI in its private window. */
  void end(int cpu) throws KvmException {
    guestWrite(cpu, 0xb0, 0);
  }

  void taskPriority(int cpu, int priority) throws KvmException {
    register(0x20080 + 0x1000 * cpu, priority);
  }

  void dispatch(int cpu, int interrupt, int cpus) throws KvmException {
    guestWrite(cpu, 0x40 + 0x10 * interrupt, cpus);
  }

  int guestRead(int cpu, int offset) throws KvmException {
    int value = (int) vcpus[cpu].read(BASE + offset, 4);
    assertFalse(vcpus[cpu].exited());
    return value;
  }

  void guestWrite(int cpu, int offset, int value) throws KvmException {
    vcpus[cpu].write(BASE + offset, 4, value);
    assertFalse(vcpus[cpu].exited());
  }

  int register(int offset) throws KvmException {
    return (int) device.get(REGISTER, offset);
  }

  void register(int offset, int value) throws KvmException {
    device.set(REGISTER, offset, value);
  }

  void set(int group, long attr, long value) throws KvmException {
    device.set(group, attr, value);
  }

  static void refused(Errno errno, Executable call) {
    assertEquals(errno, assertThrows(KvmException.class, call).errno());
  }

  @Override
  public void close() {
    vm.close();
  }
}
