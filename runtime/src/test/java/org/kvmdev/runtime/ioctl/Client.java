package org.kvmdev.runtime.ioctl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;

/** A client program of the tests: a process with /dev/kvm, a VM and one device open. */
final class Client implements AutoCloseable {
  /** A call whose answer is a number. */
  @FunctionalInterface
  interface Call {
    long make() throws KvmException;
  }

  final ProbeProvider family;
  final KvmProcess process;
  final ProcessMemory memory;
  final RequestNumbers requests;
  final int system;
  final int vm;
  final long page;

  Client(Host host) throws KvmException {
    family = new ProbeProvider(host);
    process = new KvmProcess(Kvm.of(List.of(family)), host);
    memory = process.memory();
    requests = process.requests();
    page = memory.map(4096);
    system = process.openKvm();
    vm = createVm();
  }

  long ioctl(int fd, Request request, long argument) throws KvmException {
    return process.ioctl(fd, requests.of(request), argument);
  }

  int createVm() throws KvmException {
    return (int) ioctl(system, Request.CREATE_VM, 0);
  }

  int createVcpu(long id) throws KvmException {
    return (int) ioctl(vm, Request.CREATE_VCPU, id);
  }

  /** Puts numbers of 4 bytes one behind the other. */
  long ints(long address, long... values) throws KvmException {
    for (int i = 0; i < values.length; i++) {
      memory.writeNumber(address + 4L * i, 4, values[i]);
    }
    return address;
  }

  /** A structure for KVM_CREATE_DEVICE, with something in its fd. */
  long createStruct(int type, int flags) throws KvmException {
    return ints(page, type, 0x1234_5678, flags);
  }

  int createDevice(int type) throws KvmException {
    ioctl(vm, Request.CREATE_DEVICE, createStruct(type, 0));
    return createdFd();
  }

  int createdFd() throws KvmException {
    return (int) memory.readNumber(page + 4, 4);
  }

  /** A structure for the device attribute requests. */
  long attr(int group, long attr, long address) throws KvmException {
    return attrAt(page + 64, group, attr, address);
  }

  long attrAt(long struct, int group, long attr, long address) throws KvmException {
    memory.writeNumber(struct, 4, 0);
    memory.writeNumber(struct + 4, 4, group);
    memory.writeNumber(struct + 8, 8, attr);
    memory.writeNumber(struct + 16, 8, address);
    return struct;
  }

  /** KVM_HAS_DEVICE_ATTR of group 1, attr 1. */
  long has(int fd) throws KvmException {
    return ioctl(fd, Request.HAS_DEVICE_ATTR, attr(1, 1, 0));
  }

  /** What a call answers, as a recording writes it. */
  static String answer(Call call) {
    try {
      return Long.toString(call.make());
    } catch (KvmException refusal) {
      return "-1 " + refusal.errno();
    }
  }

  /** That a call is refused, and how. */
  static KvmException refused(Errno errno, Call call) {
    KvmException refusal = assertThrows(KvmException.class, call::make);
    assertEquals(errno, refusal.errno(), refusal::getMessage);
    return refusal;
  }

  @Override
  public void close() {
    process.close();
  }
}
