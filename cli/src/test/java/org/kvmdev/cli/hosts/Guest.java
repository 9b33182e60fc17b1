package org.kvmdev.cli.hosts;

import java.util.HexFormat;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.KvmProcess;
import org.kvmdev.runtime.ioctl.ProcessMemory;
import org.kvmdev.runtime.ioctl.Request;

/** A client of the tests: one process with /dev/kvm and a VM open, and memory for structures. */
final class Guest implements AutoCloseable {
  /** A call whose answer is a number. */
  @FunctionalInterface
  interface Call {
    long make() throws KvmException;
  }

  final KvmProcess process;
  final ProcessMemory memory;
  final int system;
  final int vm;

  /** Where structures are put; pages behind it are not mapped. */
  final long page;

  private static final long NO_VM = Long.MIN_VALUE;

  /** An address at which nothing is mapped. */
  static final long NULL = 0;

  Guest(Kvm kvm, String host) throws KvmException {
    this(kvm, host, 0);
  }

  Guest(Kvm kvm, String host, long type) throws KvmException {
    this(new KvmProcess(kvm, kvm.host(host)), type);
  }

  /** A client that makes its VM itself. */
  static Guest withoutVm(Kvm kvm, String host) throws KvmException {
    return new Guest(new KvmProcess(kvm, kvm.host(host)), NO_VM);
  }

  private Guest(KvmProcess process, long type) throws KvmException {
    this.process = process;
    memory = process.memory();
    page = memory.map(1 << 17);
    system = process.openKvm();
    vm = type == NO_VM ? -1 : (int) ioctl(system, Request.CREATE_VM, type);
  }

  long ioctl(int fd, Request request, long argument) throws KvmException {
    return process.ioctl(fd, process.requests().of(request), argument);
  }

  int vcpu(long id) throws KvmException {
    return (int) ioctl(vm, Request.CREATE_VCPU, id);
  }

  /** A call's answer, as the facts write it: a number, or an errno's name. */
  static Object answer(Call call) {
    try {
      return call.make();
    } catch (KvmException refusal) {
      return refusal.errno();
    }
  }

  /** The same of a call that returns a file descriptor, which is closed again. */
  Object fd(Call call) {
    try {
      process.close((int) call.make());
      return "fd";
    } catch (KvmException refusal) {
      return refusal.errno();
    }
  }

  /** The same, left open. */
  static Object openFd(Call call) {
    return answer(call) instanceof Long ? "fd" : answer(call);
  }

  Object ask(int fd, Request request, long argument) {
    return answer(() -> ioctl(fd, request, argument));
  }

  Object ask(int fd, int number, long argument) {
    return answer(() -> process.ioctl(fd, number, argument));
  }

  /** Puts numbers of 4 bytes one behind the other. */
  long ints(long address, long... values) throws KvmException {
    for (int i = 0; i < values.length; i++) {
      memory.writeNumber(address + 4L * i, 4, values[i]);
    }
    return address;
  }

  /** Puts numbers of 8 bytes one behind the other. */
  long longs(long address, long... values) throws KvmException {
    for (int i = 0; i < values.length; i++) {
      memory.writeNumber(address + 8L * i, 8, values[i]);
    }
    return address;
  }

  /** Fills bytes with 0. */
  long zeros(long address, int count) throws KvmException {
    memory.write(address, new byte[count], 0, count);
    return address;
  }

  String hex(long address, int count) throws KvmException {
    byte[] bytes = new byte[count];
    memory.read(address, bytes, 0, count);
    return HexFormat.of().formatHex(bytes);
  }

  /** KVM_GET_ONE_REG and KVM_SET_ONE_REG: the value is at {@code page + 64}. */
  Object oneReg(int vcpu, Request request, long id) throws KvmException {
    longs(page, id, page + 64);
    return ask(vcpu, request, page);
  }

  /** KVM_ENABLE_CAP. */
  Object enable(int fd, Request request, int capability, int flags, long... arguments)
      throws KvmException {
    zeros(page, 104);
    ints(page, capability, flags);
    longs(page + 8, arguments);
    return ask(fd, request, page);
  }

  /** KVM_CREATE_DEVICE; the descriptor, or -1. */
  int device(int type) throws KvmException {
    ints(page, type, -1, 0);
    ioctl(vm, Request.CREATE_DEVICE, page);
    return (int) memory.readNumber(page + 4, 4);
  }

  Object attr(int fd, Request request, int group, long attr, long address) throws KvmException {
    ints(page, 0, group);
    longs(page + 8, attr, address);
    return ask(fd, request, page);
  }

  /** KVM_SET_USER_MEMORY_REGION. */
  Object slot(long slot, long flags, long guestAddress, long size, long userAddress)
      throws KvmException {
    ints(page, slot, flags);
    longs(page + 8, guestAddress, size, userAddress);
    return ask(vm, Request.SET_USER_MEMORY_REGION, page);
  }

  @Override
  public void close() {
    process.close();
  }
}
