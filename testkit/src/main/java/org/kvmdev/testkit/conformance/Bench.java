package org.kvmdev.testkit.conformance;

import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;
import org.kvmdev.runtime.ioctl.KvmProcess;
import org.kvmdev.runtime.ioctl.ProcessMemory;
import org.kvmdev.runtime.ioctl.Request;

/**
 * A client's process with a VM, its vCPUs and a device in it, on which a rule makes its calls: all
 * of them by ioctl, so that what is checked is the whole system's answer.
 *
 * <p>A {@link BringUp} uses it to bring the device up.
 */
public final class Bench implements AutoCloseable {
  /** An address at which no process has anything mapped. */
  public static final long NOWHERE = 8;

  /** What memory is filled with where nothing is expected to be written. */
  static final int CANARY = 0xa5;

  /** What {@code fd} holds before a device is made. */
  static final int NO_FD = 0x1234_5678;

  private static final int TEST = 1;
  private static final int AREA = 4096;
  private static final int MIDDLE = 1024;

  /**
   * {@code struct kvm_create_device}, {@code struct kvm_device_attr}, {@code struct
   * kvm_enable_cap}.
   */
  private static final int CREATE_BYTES = 12;

  private static final int ATTR_BYTES = 24;
  private static final int ENABLE_BYTES = 104;

  private final Subject subject;
  private final boolean observed;
  private final KvmProcess process;
  private final ProcessMemory memory;
  private final int vm;
  private final int[] vcpus;
  private final long struct;
  private final long area;
  private final int setAttr;
  private final int getAttr;
  private final int hasAttr;
  private int device = -1;

  /** A process with a VM and vCPUs, and no device yet. */
  Bench(Subject subject, Kvm kvm, int vcpuCount, boolean observed) throws KvmException {
    this.subject = subject;
    this.observed = observed;
    process = new KvmProcess(kvm, subject.host());
    memory = process.memory();
    setAttr = number(Request.SET_DEVICE_ATTR);
    getAttr = number(Request.GET_DEVICE_ATTR);
    hasAttr = number(Request.HAS_DEVICE_ATTR);
    struct = memory.map(AREA);
    area = memory.map(AREA);
    int system = process.openKvm();
    vm = (int) ioctl(system, number(Request.CREATE_VM), 0);
    vcpus = new int[vcpuCount];
    for (int id = 0; id < vcpuCount; id++) {
      vcpus[id] = (int) ioctl(vm, number(Request.CREATE_VCPU), id);
    }
  }

  // What a bring-up needs.

  /**
   * The host that the VM is on.
   *
   * @return the host
   */
  public Host host() {
    return subject.host();
  }

  /**
   * The type of the device that is checked.
   *
   * @return the type
   */
  public DeviceType type() {
    return subject.type();
  }

  /**
   * The client's process, for requests that have no method here.
   *
   * @return the process
   */
  public KvmProcess process() {
    return process;
  }

  /**
   * The VM.
   *
   * @return its file descriptor
   */
  public int vm() {
    return vm;
  }

  /**
   * A vCPU.
   *
   * @param id 0 to {@code vcpuCount() - 1}
   * @return its file descriptor
   */
  public int vcpu(int id) {
    return vcpus[id];
  }

  /**
   * How many vCPUs there are.
   *
   * @return the number that the options say
   */
  public int vcpuCount() {
    return vcpus.length;
  }

  /**
   * The device that is checked.
   *
   * @return its file descriptor
   */
  public int device() {
    return device;
  }

  /**
   * KVM_CREATE_DEVICE of another device, which the one that is checked works with.
   *
   * @param type the type's number
   * @return its file descriptor
   * @throws KvmException where it is refused
   */
  public int createDevice(int type) throws KvmException {
    putCreate(struct, type, 0);
    ioctl(vm, number(Request.CREATE_DEVICE), struct);
    return (int) memory.readNumber(struct + 4, 4);
  }

  /**
   * KVM_SET_DEVICE_ATTR of a number.
   *
   * @param fd the device's file descriptor
   * @param group the group's number
   * @param attr the attribute's number
   * @param size the data's size in bytes; 0 for a request without data
   * @param value the data
   * @throws KvmException where it is refused
   */
  public void set(int fd, int group, long attr, int size, long value) throws KvmException {
    if (size > 0) {
      memory.writeNumber(roomy(), size, value);
    }
    putAttr(struct, 0, group, attr, size == 0 ? 0 : roomy());
    ioctl(fd, setAttr, struct);
  }

  /**
   * KVM_SET_DEVICE_ATTR of a number, on the device that is checked.
   *
   * @param attribute an attribute with a number of its own
   * @param value the data
   * @throws KvmException where it is refused
   */
  public void set(Attribute attribute, long value) throws KvmException {
    set(device, attribute.group().number(), attribute.number(), attribute.size(), value);
  }

  /**
   * KVM_ENABLE_CAP of a vCPU.
   *
   * @param id the vCPU
   * @param capability the capability's number
   * @param arguments up to four; a file descriptor among them stands for its file
   * @throws KvmException where it is refused
   */
  public void enableCapability(int id, int capability, long... arguments) throws KvmException {
    fill(struct, ENABLE_BYTES, 0);
    memory.writeNumber(struct, 4, capability);
    for (int i = 0; i < arguments.length; i++) {
      memory.writeNumber(struct + 8 + 8L * i, 8, arguments[i]);
    }
    ioctl(vcpus[id], number(Request.ENABLE_CAP), struct);
  }

  /**
   * KVM_SET_USER_MEMORY_REGION: gives the guest memory.
   *
   * @param slot the slot's number
   * @param guestAddress the guest physical address, of a page's begin
   * @param size in bytes, of whole pages
   * @return where the process has it
   * @throws KvmException where it is refused
   */
  public long mapGuestMemory(int slot, long guestAddress, long size) throws KvmException {
    long user = memory.map(size);
    fill(struct, 8, 0);
    memory.writeNumber(struct, 4, slot);
    memory.writeNumber(struct + 8, 8, guestAddress);
    memory.writeNumber(struct + 16, 8, size);
    memory.writeNumber(struct + 24, 8, user);
    ioctl(vm, number(Request.SET_USER_MEMORY_REGION), struct);
    return user;
  }

  // What rules need.

  /** Makes the device that is checked, by KVM_CREATE_DEVICE. */
  void create() throws KvmException {
    device = createDevice(subject.type().number());
  }

  long ioctl(int fd, int request, long argument) throws KvmException {
    return subject.options().caller().ioctl(process, fd, request, argument);
  }

  /** Makes a request and tells how it was refused; null where it was not. */
  @Nullable Errno attempt(int fd, int request, long argument) {
    return attempt(process, fd, request, argument);
  }

  /** Makes a request as another process. */
  @Nullable Errno attempt(KvmProcess caller, int fd, int request, long argument) {
    try {
      subject.options().caller().ioctl(caller, fd, request, argument);
      return null;
    } catch (KvmException refusal) {
      return refusal.errno();
    }
  }

  int number(Request request) {
    return process.requests().of(request);
  }

  ProcessMemory memory() {
    return memory;
  }

  Vm typedVm() throws KvmException {
    return process.vm(vm);
  }

  Vcpu typedVcpu(int id) throws KvmException {
    return process.vcpu(vcpus[id]);
  }

  /** Has the first vCPU enter the guest and leave it. */
  void run() throws KvmException {
    Vcpu first = typedVcpu(0);
    first.enter();
    first.exit();
  }

  /** Where a structure stands that a request's argument points to. */
  long struct() {
    return struct;
  }

  /** An address in the middle of a page. */
  long roomy() {
    return area + MIDDLE;
  }

  /** The address from which a number of bytes ends with the page; the next page is not mapped. */
  long edge(int bytes) {
    return area + memory.page() - bytes;
  }

  /** The first address of the page that {@link #roomy} and {@link #edge} are in, and its size. */
  long area() {
    return area;
  }

  int areaBytes() {
    return memory.page();
  }

  void putCreate(long at, int type, int flags) throws KvmException {
    memory.writeNumber(at, 4, type);
    memory.writeNumber(at + 4, 4, NO_FD);
    memory.writeNumber(at + 8, 4, flags);
  }

  /** KVM_CREATE_DEVICE with any flags, from {@link #struct}. */
  @Nullable Errno tryCreate(int type, int flags) throws KvmException {
    putCreate(struct, type, flags);
    return attempt(vm, number(Request.CREATE_DEVICE), struct);
  }

  @Nullable Errno tryTest(int type) throws KvmException {
    return tryCreate(type, TEST);
  }

  /** The {@code fd} of {@link #struct}. */
  int createdFd() throws KvmException {
    return (int) memory.readNumber(struct + 4, 4);
  }

  int createBytes() {
    return CREATE_BYTES;
  }

  int attrBytes() {
    return ATTR_BYTES;
  }

  void putAttr(long at, int flags, int group, long attr, long address) throws KvmException {
    memory.writeNumber(at, 4, flags);
    memory.writeNumber(at + 4, 4, group);
    memory.writeNumber(at + 8, 8, attr);
    memory.writeNumber(at + 16, 8, address);
  }

  @Nullable Errno access(Request request, int flags, int group, long attr, long address) {
    try {
      putAttr(struct, flags, group, attr, address);
    } catch (KvmException e) {
      throw new AssertionError(e);
    }
    return attempt(device, number(request), struct);
  }

  @Nullable Errno has(int group, long attr) {
    return access(Request.HAS_DEVICE_ATTR, 0, group, attr, 0);
  }

  @Nullable Errno get(int group, long attr, long address) {
    return access(Request.GET_DEVICE_ATTR, 0, group, attr, address);
  }

  @Nullable Errno set(int group, long attr, long address) {
    return access(Request.SET_DEVICE_ATTR, 0, group, attr, address);
  }

  void fill(long address, int length, int with) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) with);
    put(address, bytes);
  }

  void put(long address, byte[] bytes) {
    try {
      memory.write(address, bytes, 0, bytes.length);
    } catch (KvmException e) {
      throw new AssertionError("the kit's own memory", e);
    }
  }

  byte[] bytes(long address, int length) {
    byte[] bytes = new byte[length];
    try {
      memory.read(address, bytes, 0, length);
    } catch (KvmException e) {
      throw new AssertionError("the kit's own memory", e);
    }
    return bytes;
  }

  /** Fills the whole area with the canary, so that any write to it shows. */
  void clean() {
    fill(area, memory.page(), CANARY);
  }

  /** Whether nothing was written to the area since {@link #clean}, but from..from+length. */
  boolean isCleanBut(long from, int length) {
    byte[] page = bytes(area, memory.page());
    for (int i = 0; i < page.length; i++) {
      long at = area + i;
      if ((page[i] & 0xff) != CANARY && (at < from || at >= from + length)) {
        return false;
      }
    }
    return true;
  }

  /**
   * All of the device's state that can be seen without changing it, as text: what its family
   * enumerates, or else what its attributes without side effects read.
   */
  String state() {
    if (!observed && subject.declaresState()) {
      try {
        return typedVm().save().toString();
      } catch (KvmException e) {
        // Not now (a vCPU runs, tables are not mapped): the attributes tell as much as can be told.
      }
    }
    StringBuilder text = new StringBuilder();
    for (Attribute attribute : subject.type().attributes()) {
      if (!attribute.access().reads() || !attribute.effects().isEmpty()) {
        continue;
      }
      for (long key : subject.samples().numbered(attribute)) {
        fill(roomy(), attribute.size(), 0);
        Errno errno = get(attribute.group().number(), key, roomy());
        text.append(attribute).append(' ').append(Long.toHexString(key)).append(' ');
        text.append(
            errno == null
                ? HexFormat.of().formatHex(bytes(roomy(), attribute.size()))
                : errno.name());
        text.append('\n');
      }
    }
    return text.toString();
  }

  /** Ends the process, and with it all that it made. */
  @Override
  public void close() {
    process.close();
  }
}
