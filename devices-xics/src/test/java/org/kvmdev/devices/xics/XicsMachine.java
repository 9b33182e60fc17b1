package org.kvmdev.devices.xics;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/**
 * A VM with a XICS and a vCPU for each server, for tests that read like the architecture's book:
 * raise a source, accept at a server, end there.
 */
final class XicsMachine implements AutoCloseable {
  static final String HOST = "ppc64-xics-6.1";
  static final long RAM = 0x10_0000;

  /** Written into a source's word. */
  static final long LEVEL = 1L << 40;

  static final long MASKED = 1L << 41;
  static final long PENDING = 1L << 42;
  static final long PRESENTED = 1L << 43;
  static final long QUEUED = 1L << 44;

  final Vm vm;
  final Vcpu[] vcpus;
  final byte[] ram = new byte[0x1_0000];
  Device device;

  /** What the last hypercall answered beside its result. */
  long[] results = {};

  private final long[] registers = new long[8];

  /** A machine whose servers take all: CPPR is 0xff. */
  XicsMachine(int servers) throws KvmException {
    this(new XicsProvider(), servers);
  }

  /** A machine with a variant of the device, whose servers take all. */
  XicsMachine(DeviceProvider provider, int servers) throws KvmException {
    this(provider, servers, 0xff);
  }

  /** A machine as it is just made: its servers take nothing. */
  static XicsMachine fresh(int servers) throws KvmException {
    return new XicsMachine(new XicsProvider(), servers, 0);
  }

  private XicsMachine(DeviceProvider provider, int servers, int cppr) throws KvmException {
    vm = Kvm.of(List.of(provider)).createVm(HOST);
    device = vm.createDevice(Xics.TYPE.number());
    vcpus = new Vcpu[servers];
    for (int i = 0; i < servers; i++) {
      vcpus[i] = vm.createVcpu(i);
      vcpus[i].enableCapability(68);
      connect(i, i);
      cppr(i, cppr);
    }
    vm.setMemory(0, 0, RAM, ram.length, new ArrayMemory(ram, ByteOrder.LITTLE_ENDIAN), 0);
  }

  void connect(int vcpu, int server) throws KvmException {
    vcpus[vcpu].connect(92, device, server);
  }

  Xics xics() {
    return (Xics) device.ops();
  }

  // Sources.

  /** Makes a source an edge of a priority that is sent to a server. */
  void edge(int source, int server, int priority) throws KvmException {
    set(source, server | (long) priority << 32);
  }

  /** Makes a source a level of a priority that is sent to a server. */
  void level(int source, int server, int priority) throws KvmException {
    set(source, server | (long) priority << 32 | LEVEL);
  }

  void set(int source, long word) throws KvmException {
    device.set(1, source, word);
  }

  long source(int source) throws KvmException {
    return device.get(1, source);
  }

  /** The bits of a source's word above its priority. */
  long flags(int source) throws KvmException {
    return source(source) & -1L << 40;
  }

  void raise(int source) throws KvmException {
    vm.irqLine(source, 1);
  }

  void lower(int source) throws KvmException {
    vm.irqLine(source, 0);
  }

  // Servers.

  /** A hypercall; answers its result, or -1 where it goes to user space. */
  long call(int server, Hypercall call, long... arguments) throws KvmException {
    Arrays.fill(registers, 0);
    System.arraycopy(arguments, 0, registers, 1, arguments.length);
    int count = vcpus[server].hypercall(call.number, registers);
    if (count < 0) {
      return -1;
    }
    results = Arrays.copyOfRange(registers, 1, 1 + count);
    return registers[0];
  }

  /** Accepts an interrupt: answers XIRR. */
  int accept(int server) throws KvmException {
    call(server, Hypercall.H_XIRR);
    return (int) results[0];
  }

  /** Ends an interrupt. */
  long end(int server, int xirr) throws KvmException {
    return call(server, Hypercall.H_EOI, xirr & 0xffff_ffffL);
  }

  void cppr(int server, long value) throws KvmException {
    call(server, Hypercall.H_CPPR, value);
  }

  /** Requests an inter-processor interrupt. */
  long ipi(int from, long server, long mfrr) throws KvmException {
    return call(from, Hypercall.H_IPI, server, mfrr);
  }

  /** A server's register: CPPR, XISR, MFRR and pending priority, in that order. */
  long icp(int server) throws KvmException {
    return vcpus[server].getRegister(Partition.ICP_STATE);
  }

  static long icp(int cppr, int xisr, int mfrr, int priority) {
    return PresentationField.CPPR.in(cppr)
        | PresentationField.XISR.in(xisr)
        | PresentationField.MFRR.in(mfrr)
        | PresentationField.PENDING_PRIORITY.in(priority);
  }

  boolean pin(int server) {
    return vcpus[server].pin(0);
  }

  // RTAS.

  void defineToken(String name, long token) throws KvmException {
    byte[] request = new byte[128];
    byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(bytes, 0, request, 0, bytes.length);
    ByteBuffer.wrap(request).order(ByteOrder.LITTLE_ENDIAN).putLong(120, token);
    vm.request(0x8080_aeac, 0, new ArrayMemory(request, ByteOrder.LITTLE_ENDIAN));
  }

  /** Calls RTAS by a block at the begin of memory; answers what the hypercall does. */
  long rtas(int server, int token, int results, int... arguments) throws KvmException {
    ByteBuffer block = ByteBuffer.wrap(ram);
    block.putInt(0, token).putInt(4, arguments.length).putInt(8, results);
    for (int i = 0; i < arguments.length; i++) {
      block.putInt(12 + 4 * i, arguments[i]);
    }
    return call(server, Hypercall.H_RTAS, RAM);
  }

  /** A result of the last call of RTAS. */
  int rtasResult(int index) {
    ByteBuffer block = ByteBuffer.wrap(ram);
    return block.getInt(12 + 4 * (block.getInt(4) + index));
  }

  @Override
  public void close() {
    vm.close();
  }

  /** A client's memory that is an array. */
  record ArrayMemory(byte[] bytes, ByteOrder order) implements UserMemory {
    @Override
    public void read(long address, byte[] to, int at, int length) throws KvmException {
      check(address, length);
      System.arraycopy(bytes, (int) address, to, at, length);
    }

    @Override
    public void write(long address, byte[] from, int at, int length) throws KvmException {
      check(address, length);
      System.arraycopy(from, at, bytes, (int) address, length);
    }

    @Override
    public long readNumber(long address, int size) throws KvmException {
      check(address, size);
      ByteBuffer buffer = ByteBuffer.wrap(bytes).order(order);
      return switch (size) {
        case 4 -> buffer.getInt((int) address) & 0xffff_ffffL;
        case 8 -> buffer.getLong((int) address);
        default -> throw new IllegalArgumentException("size " + size);
      };
    }

    @Override
    public void writeNumber(long address, int size, long value) throws KvmException {
      check(address, size);
      ByteBuffer buffer = ByteBuffer.wrap(bytes).order(order);
      switch (size) {
        case 4 -> buffer.putInt((int) address, (int) value);
        case 8 -> buffer.putLong((int) address, value);
        default -> throw new IllegalArgumentException("size " + size);
      }
    }

    private void check(long address, int length) throws KvmException {
      if (address < 0 || address > bytes.length - length) {
        throw new KvmException(Errno.EFAULT, "no memory at %#x", address);
      }
    }
  }
}
