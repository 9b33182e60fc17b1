package org.kvmdev.cli.hosts;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.FileKind;
import org.kvmdev.runtime.ioctl.KvmProcess;
import org.kvmdev.runtime.ioctl.RemoteClient;
import org.kvmdev.runtime.ioctl.Request;

/** A client that stands for one in another process: it has the vCPU's mapping and file contents. */
final class MappedGuest implements RemoteClient, AutoCloseable {
  private static final int SYSTEM = 3;
  private static final int MEMORY = 4096;

  final KvmProcess process;
  final int vm;
  final int vcpu;

  /** The vCPU's mapping. */
  final ByteBuffer run;

  /** What is in a file that can be read, by its descriptor. */
  final Map<Integer, byte[]> contents = new HashMap<>();

  final Map<Integer, String> names = new HashMap<>();
  private final byte[] memory = new byte[MEMORY];
  private int next = SYSTEM + 1;

  MappedGuest(Kvm kvm, String host) throws KvmException {
    process = new KvmProcess(kvm, kvm.host(host), this);
    process.adopt(SYSTEM);
    run = ByteBuffer.allocate(4096).order(kvm.host(host).byteOrder());
    vm = (int) ioctl(SYSTEM, Request.CREATE_VM, 0);
    vcpu = (int) ioctl(vm, Request.CREATE_VCPU, 0);
  }

  long ioctl(int fd, Request request, long argument) throws KvmException {
    return process.ioctl(fd, process.requests().of(request), argument);
  }

  Object ask(int fd, Request request, long argument) {
    return Guest.answer(() -> ioctl(fd, request, argument));
  }

  /** KVM_ENABLE_CAP of the vCPU, without arguments. */
  Object enable(int capability) {
    ByteBuffer.wrap(memory).order(run.order()).putInt(0, capability).putInt(4, 0);
    return ask(vcpu, Request.ENABLE_CAP, 0);
  }

  @Override
  public void read(long address, byte[] to, int at, int length) throws KvmException {
    if (address < 0 || address + length > MEMORY) {
      throw new KvmException(Errno.EFAULT, "nothing is at %#x", address);
    }
    System.arraycopy(memory, (int) address, to, at, length);
  }

  @Override
  public void write(long address, byte[] from, int at, int length) throws KvmException {
    if (address < 0 || address + length > MEMORY) {
      throw new KvmException(Errno.EFAULT, "nothing is at %#x", address);
    }
    System.arraycopy(from, at, memory, (int) address, length);
  }

  @Override
  public int reserve() {
    return next++;
  }

  @Override
  public void install(int number, FileKind kind, String name, long size) {
    names.put(number, name);
  }

  @Override
  public void fill(int number, byte[] content) {
    contents.put(number, content);
  }

  @Override
  public void cancel(int number) {
    // Numbers are not used again.
  }

  @Override
  public boolean isOpen(int number) {
    return false;
  }

  @Override
  public boolean immediateExit(int offset) {
    return run.get(offset) != 0;
  }

  @Override
  public Wakeup sleep(int immediateExit, byte[] signals) {
    return immediateExit(immediateExit) ? Wakeup.IMMEDIATE_EXIT : Wakeup.SIGNAL;
  }

  @Override
  public void writeRun(int offset, byte[] bytes) {
    run.put(offset, bytes);
  }

  @Override
  public long pid() {
    return 4711;
  }

  @Override
  public void close() {
    process.close();
  }
}
