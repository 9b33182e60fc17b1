package org.kvmdev.testkit.replay;

import static org.kvmdev.testkit.trace.Field.ADDR;
import static org.kvmdev.testkit.trace.Field.ADDRESS;
import static org.kvmdev.testkit.trace.Field.ARG;
import static org.kvmdev.testkit.trace.Field.ARGS;
import static org.kvmdev.testkit.trace.Field.ATTR;
import static org.kvmdev.testkit.trace.Field.BYTES;
import static org.kvmdev.testkit.trace.Field.CAP;
import static org.kvmdev.testkit.trace.Field.DATA;
import static org.kvmdev.testkit.trace.Field.DEV;
import static org.kvmdev.testkit.trace.Field.DEVID;
import static org.kvmdev.testkit.trace.Field.ENTRIES;
import static org.kvmdev.testkit.trace.Field.FD;
import static org.kvmdev.testkit.trace.Field.FLAGS;
import static org.kvmdev.testkit.trace.Field.GPA;
import static org.kvmdev.testkit.trace.Field.GROUP;
import static org.kvmdev.testkit.trace.Field.ID;
import static org.kvmdev.testkit.trace.Field.IN;
import static org.kvmdev.testkit.trace.Field.IRQ;
import static org.kvmdev.testkit.trace.Field.LEVEL;
import static org.kvmdev.testkit.trace.Field.NAME;
import static org.kvmdev.testkit.trace.Field.ON;
import static org.kvmdev.testkit.trace.Field.OUT;
import static org.kvmdev.testkit.trace.Field.REQUEST;
import static org.kvmdev.testkit.trace.Field.RET;
import static org.kvmdev.testkit.trace.Field.SIZE;
import static org.kvmdev.testkit.trace.Field.SLOT;
import static org.kvmdev.testkit.trace.Field.STATUS;
import static org.kvmdev.testkit.trace.Field.TOKEN;
import static org.kvmdev.testkit.trace.Field.TYPE;
import static org.kvmdev.testkit.trace.Field.VCPU;
import static org.kvmdev.testkit.trace.Field.VM;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.runtime.ioctl.Direction;
import org.kvmdev.runtime.ioctl.KvmProcess;
import org.kvmdev.runtime.ioctl.ProcessMemory;
import org.kvmdev.runtime.ioctl.Request;
import org.kvmdev.runtime.ioctl.RequestNumbers;
import org.kvmdev.testkit.trace.Call;
import org.kvmdev.testkit.trace.Field;
import org.kvmdev.testkit.trace.RouteEntry;

/**
 * One replay: a process that makes a recording's calls. Requests are made with their structures in
 * the process's memory, as a client in C makes them; what the guest does goes through the vCPU's
 * typed face.
 */
final class Session implements AutoCloseable {
  /** A pointer to nothing mapped. */
  private static final long BAD_ADDRESS = 0xc0000;

  /** What a client has in {@code fd} before a device is made: no process gets that many files. */
  private static final int NO_DESCRIPTOR = 0x7fff_f00d;

  /** The sizes of structures, and of what is in them, by include/uapi/linux/kvm.h. */
  private static final int VCPU_INIT_BYTES = 32;

  private static final int ENABLE_CAP_BYTES = 104;

  private static final int MSI_BYTES = 32;
  private static final int ROUTING_BYTES = 8;
  private static final int ROUTE_BYTES = 48;
  private static final int TOKEN_NAME_BYTES = 120;

  /** KVM_ARM_TARGET_GENERIC_V8. */
  private static final int ANY_CPU = 5;

  private static final int SCRATCH_BYTES = 4096;

  /** More than any number has: what a device takes beyond a short buffer is 0. */
  private static final int BEHIND_DATA_BYTES = 16;

  private final Kvm kvm;
  private final Host host;
  private final KvmProcess process;
  private final ProcessMemory memory;
  private final RequestNumbers requests;
  private final int system;
  private final Map<String, Handle> handles = new HashMap<>();
  private final Outcome outcome = new Outcome();
  private final GuestActions guest;

  /** Where structures stand, and where the data that they point to stand. */
  private final long struct;

  private final long data;
  private final byte[] zeros = new byte[SCRATCH_BYTES];

  Session(Kvm kvm, Host host) throws KvmException {
    this.kvm = kvm;
    this.host = host;
    process = new KvmProcess(kvm, host);
    memory = process.memory();
    requests = process.requests();
    system = process.openKvm();
    struct = memory.map(SCRATCH_BYTES);
    data = memory.map(SCRATCH_BYTES + BEHIND_DATA_BYTES);
    guest = new GuestActions(host);
  }

  @Override
  public void close() {
    process.close();
  }

  /** The numbers of the recorded machine's requests. */
  RequestNumbers requests() {
    return requests;
  }

  /** What a name stands for; null where nothing of that name was made. */
  @Nullable Handle handle(String name) {
    return handles.get(name);
  }

  /** The device types that the recorded machine can have. */
  List<DeviceType> types() {
    return kvm.types(host);
  }

  /** Makes a call; the outcome is overwritten by the next. */
  Outcome replay(Call call) {
    outcome.clear();
    try {
      make(call);
    } catch (KvmException refusal) {
      outcome.refused(refusal);
    } catch (RuntimeException | StackOverflowError | AssertionError fault) {
      outcome.failed(fault);
    }
    return outcome;
  }

  private void make(Call call) throws KvmException {
    switch (call.kind()) {
      case KVM_CREATE_VM -> createVm(call);
      case KVM_CHECK_EXTENSION ->
          answer(
              call.has(VM) ? descriptor(call.text(VM)) : system,
              requests.of(Request.CHECK_EXTENSION),
              call.number(CAP));
      case KVM_CREATE_VCPU -> createVcpu(call);
      case KVM_ARM_VCPU_INIT -> vcpuInit(call);
      case KVM_ENABLE_CAP -> enableCapability(call);
      case KVM_CREATE_DEVICE -> createDevice(call);
      case KVM_HAS_DEVICE_ATTR -> attribute(call, Request.HAS_DEVICE_ATTR);
      case KVM_SET_DEVICE_ATTR -> attribute(call, Request.SET_DEVICE_ATTR);
      case KVM_GET_DEVICE_ATTR -> attribute(call, Request.GET_DEVICE_ATTR);
      case KVM_IRQ_LINE -> {
        int32(0, call.number(IRQ));
        int32(4, call.number(LEVEL));
        answer(descriptor(call.text(VM)), requests.of(Request.IRQ_LINE), struct);
      }
      case KVM_IRQ_LINE_STATUS -> {
        int32(0, call.number(IRQ));
        int32(4, call.number(LEVEL));
        answer(descriptor(call.text(VM)), requests.of(Request.IRQ_LINE_STATUS), struct);
        outcome.set(STATUS, memory.readNumber(struct, 4));
      }
      case KVM_SIGNAL_MSI -> signalMsi(call);
      case KVM_SET_GSI_ROUTING -> setRouting(call);
      case KVM_ARM_SET_DEVICE_ADDR -> {
        int64(0, call.number(ID));
        int64(8, call.number(GPA));
        answer(descriptor(call.text(VM)), write(0xab, 16), argument(call));
      }
      case KVM_PPC_RTAS_DEFINE_TOKEN -> defineToken(call);
      case KVM_GET_ONE_REG -> {
        int size = registerSize(call);
        boolean buffer = oneRegister(call, size, Request.GET_ONE_REG);
        if (buffer) {
          outcome.set(OUT, dataBytes(size));
        }
      }
      case KVM_SET_ONE_REG -> oneRegister(call, registerSize(call), Request.SET_ONE_REG);
      case KVM_SET_USER_MEMORY_REGION -> setMemory(call);
      case KVM_RUN -> run(call);
      case IOCTL ->
          answer(descriptor(call.text(ON)), (int) call.number(REQUEST), call.number(ARG, 0));
      case CLOSE -> {
        String name = call.text(FD);
        int descriptor = descriptor(name);
        process.close(descriptor);
        Handle handle = handles.get(name);
        if (handle != null) {
          handle.open = false;
        }
        outcome.set(RET, 0L);
      }
      case GUEST_READ,
          GUEST_WRITE,
          GUEST_SYSREG_READ,
          GUEST_SYSREG_WRITE,
          GUEST_IRQ,
          GUEST_TAKE_IRQ,
          GUEST_HCALL ->
          guest(call);
      case MEM_WRITE -> {
        byte[] bytes = call.bytes(BYTES);
        memory.write(guestMemory(call, bytes.length), bytes, 0, bytes.length);
      }
      case MEM_READ -> {
        byte[] bytes = new byte[Math.toIntExact(call.number(SIZE))];
        memory.read(guestMemory(call, bytes.length), bytes, 0, bytes.length);
        outcome.set(BYTES, bytes);
      }
    }
  }

  // Files.

  /**
   * The file descriptor of a name. A closed one's number must name nothing, so where the process
   * has given it to another file, it is replaced.
   */
  private int descriptor(String name) {
    Handle handle = handles.get(name);
    if (handle == null || handle.open) {
      return handle == null ? Handle.NO_FILE : handle.descriptor;
    }
    for (Handle other : handles.values()) {
      if (other.open && other.descriptor == handle.descriptor) {
        return Handle.NO_FILE;
      }
    }
    return handle.descriptor;
  }

  /**
   * Gives what was made the recording's name; where the recording made nothing, closes it again.
   */
  private @Nullable Handle made(Call call, Field field, int descriptor) throws KvmException {
    outcome.set(field, Outcome.MADE);
    if (!call.has(field)) {
      process.close(descriptor);
      return null;
    }
    Handle handle = new Handle(call.text(field), descriptor);
    handles.put(handle.name, handle);
    return handle;
  }

  private void createVm(Call call) throws KvmException {
    long descriptor = process.ioctl(system, requests.of(Request.CREATE_VM), call.number(TYPE));
    Handle handle = made(call, VM, (int) descriptor);
    if (handle != null) {
      handle.vm = new Handle.VmState(process.vm(handle.descriptor));
    }
  }

  private void createVcpu(Call call) throws KvmException {
    String vm = call.text(VM);
    long descriptor =
        process.ioctl(descriptor(vm), requests.of(Request.CREATE_VCPU), call.number(ID));
    Handle handle = made(call, VCPU, (int) descriptor);
    if (handle != null) {
      Handle parent = handles.get(vm);
      handle.vcpu = process.vcpu(handle.descriptor);
      handle.vm = parent == null ? null : parent.vm;
    }
  }

  private void createDevice(Call call) throws KvmException {
    String vm = call.text(VM);
    long type = call.number(TYPE);
    int32(0, type);
    int32(4, NO_DESCRIPTOR);
    int32(8, call.number(FLAGS, 0));
    answer(descriptor(vm), requests.of(Request.CREATE_DEVICE), struct);
    int descriptor = (int) memory.readNumber(struct + 4, 4);
    if (descriptor == NO_DESCRIPTOR) {
      return;
    }
    Handle handle = made(call, DEV, descriptor);
    if (handle != null) {
      for (DeviceType known : types()) {
        if (known.number() == (int) type) {
          handle.type = known;
        }
      }
    }
  }

  // Requests.

  /** Makes a request whose result is {@code ret}. */
  private void answer(int descriptor, int request, long argument) throws KvmException {
    outcome.set(RET, process.ioctl(descriptor, request, argument));
  }

  /** The number of a request that is an architecture's own and reads a structure. */
  private int write(int number, int size) {
    return requests.of(Direction.WRITE, number, size);
  }

  private long argument(Call call) {
    return call.has(ADDR) ? pointer(call) : struct;
  }

  private static long pointer(Call call) {
    return call.text(ADDR).equals("null") ? 0 : BAD_ADDRESS;
  }

  private void vcpuInit(Call call) throws KvmException {
    memory.write(struct, zeros, 0, VCPU_INIT_BYTES);
    int32(0, ANY_CPU);
    if (call.has(IN)) {
      byte[] init = call.bytes(IN);
      memory.write(struct, init, 0, Math.min(init.length, VCPU_INIT_BYTES));
    }
    answer(descriptor(call.text(VCPU)), write(0xae, VCPU_INIT_BYTES), struct);
  }

  private void enableCapability(Call call) throws KvmException {
    memory.write(struct, zeros, 0, ENABLE_CAP_BYTES);
    int32(0, call.number(CAP));
    int32(4, call.number(FLAGS, 0));
    int offset = 8;
    for (Object argument : call.list(ARGS)) {
      int64(offset, argument instanceof String name ? descriptor(name) : (Long) argument);
      offset += 8;
    }
    Field target = call.has(VCPU) ? VCPU : VM;
    answer(
        call.has(target) ? descriptor(call.text(target)) : Handle.NO_FILE,
        requests.of(Request.ENABLE_CAP),
        struct);
  }

  private void attribute(Call call, Request request) throws KvmException {
    byte[] given = call.has(IN) ? call.bytes(IN) : null;
    long address = 0;
    if (given != null) {
      data(given);
      address = data;
    } else if (call.has(ADDR)) {
      address = pointer(call);
    }
    int32(0, call.number(FLAGS, 0));
    int32(4, call.number(GROUP));
    int64(8, call.number(ATTR));
    int64(16, address);
    try {
      answer(descriptor(call.text(DEV)), requests.of(request), struct);
    } finally {
      if (given != null && request == Request.GET_DEVICE_ATTR) {
        outcome.set(OUT, dataBytes(given.length));
      }
    }
  }

  private void signalMsi(Call call) throws KvmException {
    memory.write(struct, zeros, 0, MSI_BYTES);
    int32(0, call.number(ADDRESS));
    int32(4, call.number(ADDRESS) >>> 32);
    int32(8, call.number(DATA));
    int32(12, call.number(FLAGS, 0));
    int32(16, call.number(DEVID, 0));
    answer(descriptor(call.text(VM)), requests.of(Request.SIGNAL_MSI), struct);
  }

  private void setRouting(Call call) throws KvmException {
    List<?> entries = call.list(ENTRIES);
    int size = ROUTING_BYTES + entries.size() * ROUTE_BYTES;
    long table = memory.map(size);
    try {
      memory.writeNumber(table, 4, entries.size());
      memory.writeNumber(table + 4, 4, call.number(FLAGS, 0));
      long at = table + ROUTING_BYTES;
      for (Object entry : entries) {
        RouteEntry route = (RouteEntry) entry;
        memory.writeNumber(at, 4, route.gsi());
        memory.writeNumber(at + 4, 4, route.type());
        memory.writeNumber(at + 8, 4, route.flags());
        long union = at + 16;
        for (int word : route.words()) {
          memory.writeNumber(union, 4, word);
          union += 4;
        }
        at += ROUTE_BYTES;
      }
      answer(descriptor(call.text(VM)), requests.of(Request.SET_GSI_ROUTING), table);
    } finally {
      memory.unmap(table);
    }
  }

  private void defineToken(Call call) throws KvmException {
    byte[] name = call.text(NAME).getBytes(StandardCharsets.UTF_8);
    memory.write(struct, zeros, 0, TOKEN_NAME_BYTES);
    memory.write(struct, name, 0, Math.min(name.length, TOKEN_NAME_BYTES));
    int64(TOKEN_NAME_BYTES, call.number(TOKEN));
    answer(descriptor(call.text(VM)), write(0xac, TOKEN_NAME_BYTES + 8), argument(call));
  }

  /** A register's size is a part of its id: KVM_REG_SIZE. */
  private static int registerSize(Call call) {
    return 1 << (call.number(ID) >>> 52 & 0xf);
  }

  private boolean oneRegister(Call call, int size, Request request) throws KvmException {
    long address = data;
    if (call.has(ADDR)) {
      address = pointer(call);
    } else {
      data(call.has(IN) ? call.bytes(IN) : new byte[size]);
    }
    int64(0, call.number(ID));
    int64(8, address);
    answer(descriptor(call.text(VCPU)), requests.of(request), struct);
    return address == data;
  }

  private void setMemory(Call call) throws KvmException {
    long size = call.number(SIZE);
    long user = size == 0 ? 0 : memory.map(size);
    int32(0, call.number(SLOT));
    int32(4, call.number(FLAGS, 0));
    int64(8, call.number(GPA));
    int64(16, size);
    int64(24, user);
    String vm = call.text(VM);
    answer(descriptor(vm), requests.of(Request.SET_USER_MEMORY_REGION), struct);
    Handle handle = handles.get(vm);
    if (handle == null || handle.vm == null) {
      return;
    }
    int slot = (int) call.number(SLOT);
    if (size == 0) {
      handle.vm.slots.remove(slot);
    } else {
      handle.vm.slots.put(slot, new Handle.Slot(call.number(GPA), size, user));
    }
  }

  private void run(Call call) throws KvmException {
    try {
      answer(descriptor(call.text(VCPU)), requests.of(Request.RUN), 0);
    } catch (KvmException refusal) {
      if (refusal.errno() != Errno.EINTR) {
        throw refusal;
      }
      // The checks of a run have passed; where the guest went then is the CPU's matter.
      outcome.set(RET, 0L);
    }
  }

  // The guest.

  private void guest(Call call) throws KvmException {
    String name = call.text(VCPU);
    Handle handle = handles.get(name);
    if (handle == null || handle.vcpu == null || handle.vm == null) {
      outcome.impossible(Errno.EBADF, name + " names no vCPU");
      return;
    }
    guest.act(call, handle.vcpu, handle.vm, outcome);
  }

  /** Where the process has some guest memory. */
  private long guestMemory(Call call, int length) throws KvmException {
    Handle handle = handles.get(call.text(VM));
    long address = call.number(GPA);
    Handle.Slot slot = handle == null || handle.vm == null ? null : handle.vm.slot(address, length);
    if (slot == null) {
      throw new KvmException(
          Errno.EFAULT,
          "no KVM_SET_USER_MEMORY_REGION has mapped %d bytes at %#x",
          length,
          address);
    }
    return slot.user() + (address - slot.guest());
  }

  // The process's memory.

  private void int32(int offset, long value) throws KvmException {
    memory.writeNumber(struct + offset, 4, value);
  }

  private void int64(int offset, long value) throws KvmException {
    memory.writeNumber(struct + offset, 8, value);
  }

  /** Puts data in their place, with zeros behind them. */
  private void data(byte[] bytes) throws KvmException {
    if (bytes.length > SCRATCH_BYTES) {
      throw new IllegalArgumentException(
          bytes.length + " bytes of data; at most " + SCRATCH_BYTES + " can be replayed");
    }
    memory.write(data, bytes, 0, bytes.length);
    memory.write(data + bytes.length, zeros, 0, BEHIND_DATA_BYTES);
  }

  private byte[] dataBytes(int length) throws KvmException {
    byte[] bytes = new byte[length];
    memory.read(data, bytes, 0, length);
    return bytes;
  }
}
