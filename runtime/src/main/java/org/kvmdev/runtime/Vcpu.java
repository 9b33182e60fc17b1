package org.kvmdev.runtime;

import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.Errno;
import org.kvmdev.api.HostTables;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.RegisterView;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.Hypercalls;
import org.kvmdev.api.machine.InterruptTaken;
import org.kvmdev.api.machine.Requests;
import org.kvmdev.api.machine.SystemRegisters;
import org.kvmdev.api.machine.VcpuAttributes;
import org.kvmdev.api.machine.VcpuLifecycle;
import org.kvmdev.api.machine.VcpuRegisters;

/**
 * A reference to a vCPU, as a file descriptor is one.
 *
 * <p>An emulator brackets what its CPU does by {@link #enter} and {@link #exit}, on one thread: in
 * between, the vCPU runs, its thread makes MMIO accesses, system register accesses and hypercalls,
 * and whoever wants it stopped is refused EBUSY. What may change in the meantime (a pin) is seen at
 * once, or at the next entry, as on the real thing.
 */
public final class Vcpu implements AutoCloseable {
  private static final KvmException RUNS =
      KvmException.constant(
          Errno.EBUSY, "the vCPU is in the guest, on this thread; leave it first");

  /** The widest register. */
  private static final int MOST_BYTES = 16;

  private final VirtualMachine machine;
  private final VirtualCpu vcpu;
  private final AtomicBoolean closed = new AtomicBoolean();

  Vcpu(VirtualMachine machine, VirtualCpu vcpu) {
    this.machine = machine;
    this.vcpu = vcpu;
  }

  /**
   * One more reference to the vCPU's VM, for a file that a request has made.
   *
   * @return what drops it
   */
  public Runnable reference() {
    machine.reference();
    return machine::unreference;
  }

  /**
   * The id that it was made with.
   *
   * @return the id
   */
  public int id() {
    return vcpu.id();
  }

  /**
   * The check that comes before a call's structure is read.
   *
   * @throws KvmException EIO where the VM is dead
   */
  public void requireAlive() throws KvmException {
    machine.requireAlive();
  }

  /**
   * KVM_RUN where no CPU is behind it: makes the checks of a run and comes back as interrupted.
   *
   * @throws KvmException what a run is refused with; a refused first run kills the VM
   */
  public void run() throws KvmException {
    enter();
    exit();
  }

  /**
   * Enters the guest on this thread.
   *
   * @throws KvmException what a run is refused with; a refused first run kills the VM
   */
  public void enter() throws KvmException {
    take();
    try {
      machine.prepareRun(vcpu);
      for (VcpuLifecycle port : machine.ports.lifecycles) {
        try {
          port.enter(vcpu);
        } catch (RuntimeException | Error fault) {
          throw Containment.contain(fault, port);
        }
      }
    } catch (KvmException refusal) {
      vcpu.giveBack();
      throw refusal;
    }
  }

  /**
   * Leaves the guest, on the thread that entered it.
   *
   * @throws KvmException EIO where a device fails
   */
  public void exit() throws KvmException {
    try {
      for (VcpuLifecycle port : machine.ports.lifecycles) {
        try {
          port.exit(vcpu);
        } catch (RuntimeException | Error fault) {
          throw Containment.contain(fault, port);
        }
      }
    } finally {
      vcpu.giveBack();
    }
  }

  /**
   * A load from a guest physical address; between {@link #enter} and {@link #exit}.
   *
   * @param address the address
   * @param size 1, 2, 4 or 8 bytes
   * @return what was read; 0 where {@link #exited} says that no device took it
   * @throws KvmException EIO where a device fails
   */
  public long read(long address, int size) throws KvmException {
    return machine.bus.read(vcpu, address, size);
  }

  /**
   * A store to a guest physical address; between {@link #enter} and {@link #exit}.
   *
   * @param address the address
   * @param size 1, 2, 4 or 8 bytes
   * @param value what is stored
   * @throws KvmException EIO where a device fails
   */
  public void write(long address, int size, long value) throws KvmException {
    machine.bus.write(vcpu, address, size, value);
  }

  /**
   * Whether the last {@link #read} or {@link #write} was taken by no device: the client's, then.
   *
   * @return true where it exits to user space
   */
  public boolean exited() {
    return vcpu.declined;
  }

  /**
   * Reads a system register; between {@link #enter} and {@link #exit}.
   *
   * @param register from {@link Vm#systemRegister}
   * @return its value; 0 where {@link #trapped} says that it is undefined
   * @throws KvmException EIO where a device fails
   */
  public long read(SystemRegister register) throws KvmException {
    SystemRegisters port = register.port;
    if (port == null) {
      vcpu.undefined = register.encoding == SystemRegister.UNDEFINED;
      return register.constant;
    }
    vcpu.undefined = false;
    try {
      return port.read(vcpu, register.encoding);
    } catch (RuntimeException | Error fault) {
      throw Containment.contain(fault, port);
    }
  }

  /**
   * Writes a system register; between {@link #enter} and {@link #exit}.
   *
   * @param register from {@link Vm#systemRegister}
   * @param value the value
   * @throws KvmException EIO where a device fails
   */
  public void write(SystemRegister register, long value) throws KvmException {
    SystemRegisters port = register.port;
    if (port == null) {
      vcpu.undefined = true;
      return;
    }
    vcpu.undefined = false;
    try {
      port.write(vcpu, register.encoding, value);
    } catch (RuntimeException | Error fault) {
      throw Containment.contain(fault, port);
    }
  }

  /**
   * Whether the last system register access trapped as undefined.
   *
   * @return true where it did
   */
  public boolean trapped() {
    return vcpu.undefined;
  }

  /**
   * A hypercall; between {@link #enter} and {@link #exit}.
   *
   * @param number the call's number
   * @param registers arguments from index 1; on return the result at index 0, and what the call
   *     returns beside it from index 1
   * @return how many values it returns beside the result; -1 where it goes to user space
   * @throws KvmException what KVM_RUN fails with
   */
  public int hypercall(long number, long[] registers) throws KvmException {
    for (Hypercalls port : machine.ports.hypercalls) {
      int count;
      try {
        count = port.call(vcpu, number, registers);
      } catch (RuntimeException | Error fault) {
        throw Containment.contain(fault, port);
      }
      if (count != Hypercalls.NOT_MINE) {
        return count;
      }
    }
    return Hypercalls.NOT_MINE;
  }

  /**
   * Takes the external interrupt, if its pin is asserted; between {@link #enter} and {@link #exit}.
   *
   * @return whether there was one
   * @throws KvmException EIO where a device fails
   */
  public boolean takeInterrupt() throws KvmException {
    if (!vcpu.pin(0)) {
      return false;
    }
    for (InterruptTaken port : machine.ports.taken) {
      try {
        port.taken(vcpu);
      } catch (RuntimeException | Error fault) {
        throw Containment.contain(fault, port);
      }
    }
    return true;
  }

  /**
   * The vector that a controller handed over with the interrupt taken last.
   *
   * @return the vector; 0 where no controller does that
   */
  public int externalVector() {
    int vector = 0;
    for (InterruptTaken port : machine.ports.taken) {
      vector |= port.vector(vcpu);
    }
    return vector;
  }

  /**
   * Reads an interrupt pin.
   *
   * @param pin 0 for the first
   * @return whether it is asserted
   */
  public boolean pin(int pin) {
    return vcpu.pin(pin);
  }

  /**
   * Has a listener told when a pin changes; the last one given is the one.
   *
   * @param listener who is told
   */
  public void onPin(PinListener listener) {
    vcpu.onPin(listener);
  }

  /**
   * KVM_ENABLE_CAP of the vCPU, with arguments that name no file.
   *
   * @param capability the capability's number
   * @param arguments up to four
   * @throws KvmException EINVAL for a capability that nobody has; what a family refuses
   */
  public void enableCapability(int capability, long... arguments) throws KvmException {
    enableCapability(
        capability,
        0,
        arguments,
        descriptor -> {
          throw new KvmException(Errno.EBADF, "%d names no device here", descriptor);
        });
  }

  /**
   * KVM_ENABLE_CAP of the vCPU that connects it to a device.
   *
   * @param capability the capability's number
   * @param device the device, as the first argument
   * @param arguments the further arguments
   * @throws KvmException EINVAL for a capability that nobody has; what a family refuses
   */
  public void connect(int capability, Device device, long... arguments) throws KvmException {
    long[] all = new long[4];
    System.arraycopy(arguments, 0, all, 1, Math.min(arguments.length, 3));
    DeviceOps ops = device.ops();
    enableCapability(capability, 0, all, descriptor -> ops);
  }

  /**
   * KVM_ENABLE_CAP of the vCPU.
   *
   * @param capability the capability's number
   * @param flags must be 0
   * @param arguments up to four
   * @param files finds the device that an argument names
   * @throws KvmException EINVAL for flags, or a capability that nobody has; what a family refuses
   */
  public void enableCapability(
      int capability, int flags, long[] arguments, Capabilities.Files files) throws KvmException {
    machine.requireAlive();
    take();
    try {
      if (flags != 0 || !isEnabled(capability, Arrays.copyOf(arguments, 4), files)) {
        throw new KvmException(
            Errno.EINVAL,
            "capability %d cannot be enabled on a vCPU (flags %d)",
            capability,
            flags);
      }
      for (Capabilities family : machine.capabilities) {
        try {
          family.enabled(vcpu);
        } catch (RuntimeException | Error fault) {
          throw Containment.contain(fault, family);
        }
      }
    } finally {
      vcpu.giveBack();
    }
  }

  private boolean isEnabled(int capability, long[] arguments, Capabilities.Files files)
      throws KvmException {
    // First the families: what they refuse, the host does not allow.
    for (Capabilities family : machine.capabilities) {
      try {
        if (family.enable(capability, vcpu, arguments, files)) {
          return true;
        }
      } catch (RuntimeException | Error fault) {
        throw Containment.contain(fault, family);
      }
    }
    return EnabledByHost.enable(machine.host(), "vcpu", capability, arguments[0]);
  }

  /**
   * Whether the vCPU's registers can be reached, asked before a request's structure is read.
   *
   * @throws KvmException where they cannot yet
   */
  public void requireRegisters() throws KvmException {
    for (VcpuRegisters port : machine.ports.registers) {
      try {
        port.requireAccess(vcpu);
      } catch (RuntimeException | Error fault) {
        throw Containment.contain(fault, port);
      }
    }
  }

  /**
   * KVM_GET_ONE_REG.
   *
   * @param id the register's 64-bit id
   * @return its value, or the low 64 bits of it
   * @throws KvmException the host's errno for a register that nobody has; what a family refuses
   */
  public long getRegister(long id) throws KvmException {
    return value(id).low;
  }

  /**
   * KVM_GET_ONE_REG, into a client's memory.
   *
   * @param id the register's 64-bit id
   * @param memory the client's memory
   * @param address where in it the value is put, in the host's byte order
   * @throws KvmException as {@link #getRegister(long)}; EFAULT, after the register was looked up
   */
  public void getRegister(long id, UserMemory memory, long address) throws KvmException {
    Value value = value(id);
    int bytes = bytes(id);
    if (bytes <= Long.BYTES) {
      memory.writeNumber(address, bytes, value.low);
      return;
    }
    boolean bigEndian = memory.order() == ByteOrder.BIG_ENDIAN;
    memory.writeNumber(address, Long.BYTES, bigEndian ? value.high : value.low);
    memory.writeNumber(address + Long.BYTES, Long.BYTES, bigEndian ? value.low : value.high);
  }

  /** A register's 128 bits. */
  private record Value(long low, long high) {}

  private Value value(long id) throws KvmException {
    machine.requireAlive();
    VcpuRegisters port = ownerOf(id);
    take();
    try {
      if (port != null) {
        return new Value(port.get(vcpu, id), bytes(id) > Long.BYTES ? port.high(vcpu, id) : 0);
      }
      RegisterView view = viewOf(id);
      return new Value(vcpu.registers().low(view), vcpu.registers().high(view));
    } catch (RuntimeException | Error fault) {
      throw Containment.contain(fault, port == null ? this : port);
    } finally {
      vcpu.giveBack();
    }
  }

  /**
   * KVM_SET_ONE_REG.
   *
   * @param id the register's 64-bit id
   * @param value the value
   * @throws KvmException the host's errno for a register that nobody has; what a family or the
   *     host's tables refuse
   */
  public void setRegister(long id, long value) throws KvmException {
    setRegister(id, value, 0);
  }

  /**
   * KVM_SET_ONE_REG, from a client's memory.
   *
   * @param id the register's 64-bit id
   * @param memory the client's memory
   * @param address where in it the value is, in the host's byte order
   * @throws KvmException EFAULT, before the register is looked up, unless its id has more bytes
   *     than any register; as {@link #setRegister(long, long)}
   */
  public void setRegister(long id, UserMemory memory, long address) throws KvmException {
    int bytes = bytes(id);
    if (bytes > MOST_BYTES) {
      throw unknown(id);
    }
    for (VcpuRegisters port : machine.ports.registers) {
      if (port.looksUpFirst(id) && !port.owns(id)) {
        viewOf(id);
      }
    }
    if (bytes <= Long.BYTES) {
      setRegister(id, memory.readNumber(address, bytes), 0);
      return;
    }
    long first = memory.readNumber(address, Long.BYTES);
    long second = memory.readNumber(address + Long.BYTES, Long.BYTES);
    boolean bigEndian = memory.order() == ByteOrder.BIG_ENDIAN;
    setRegister(id, bigEndian ? second : first, bigEndian ? first : second);
  }

  private void setRegister(long id, long low, long high) throws KvmException {
    machine.requireAlive();
    VcpuRegisters port = ownerOf(id);
    take();
    try {
      if (port != null) {
        port.set(vcpu, id, low, high);
      } else {
        vcpu.registers().set(viewOf(id), low, high);
      }
    } catch (RuntimeException | Error fault) {
      throw Containment.contain(fault, port == null ? this : port);
    } finally {
      vcpu.giveBack();
    }
  }

  /**
   * KVM_GET_REG_LIST.
   *
   * @return the ids of the registers that the vCPU has
   * @throws KvmException EBUSY where the vCPU runs on this thread
   */
  public long[] registerList() throws KvmException {
    take();
    try {
      return vcpu.registers().list();
    } finally {
      vcpu.giveBack();
    }
  }

  /**
   * Copies a structure of the host's tables out.
   *
   * @param structure the structure
   * @param size its size in bytes
   * @param memory the client's memory
   * @param address where in it the structure is put
   * @throws KvmException EFAULT
   */
  public void copyOut(HostTables.Structure structure, int size, UserMemory memory, long address)
      throws KvmException {
    machine.requireAlive();
    take();
    try {
      vcpu.registers().copyOut(structure, size, memory, address);
    } finally {
      vcpu.giveBack();
    }
  }

  /**
   * Copies a structure of the host's tables in.
   *
   * @param structure the structure
   * @param size its size in bytes
   * @param memory the client's memory
   * @param address where in it the structure is
   * @throws KvmException EFAULT; what the tables refuse, with nothing written
   */
  public void copyIn(HostTables.Structure structure, int size, UserMemory memory, long address)
      throws KvmException {
    machine.requireAlive();
    take();
    try {
      vcpu.registers().copyIn(structure, size, memory, address);
    } finally {
      vcpu.giveBack();
    }
  }

  /**
   * KVM_HAS_DEVICE_ATTR of the vCPU.
   *
   * @param group the group's number
   * @param attr the attribute's number
   * @return false where no family has the group
   * @throws KvmException where there is no such attribute
   */
  public boolean hasAttribute(int group, long attr) throws KvmException {
    VcpuAttributes port = ownerOf(group);
    if (port != null) {
      withAttribute(port, () -> port.has(vcpu, group, attr));
    }
    return port != null;
  }

  /**
   * KVM_GET_DEVICE_ATTR of the vCPU.
   *
   * @param group the group's number
   * @param attr the attribute's number
   * @param memory the client's memory
   * @param address where in it the value is put
   * @return false where no family has the group
   * @throws KvmException where it is refused
   */
  public boolean getAttribute(int group, long attr, UserMemory memory, long address)
      throws KvmException {
    VcpuAttributes port = ownerOf(group);
    if (port != null) {
      withAttribute(port, () -> port.get(vcpu, group, attr, memory, address));
    }
    return port != null;
  }

  /**
   * KVM_SET_DEVICE_ATTR of the vCPU.
   *
   * @param group the group's number
   * @param attr the attribute's number
   * @param memory the client's memory
   * @param address where in it the value is
   * @return false where no family has the group
   * @throws KvmException where it is refused
   */
  public boolean setAttribute(int group, long attr, UserMemory memory, long address)
      throws KvmException {
    VcpuAttributes port = ownerOf(group);
    if (port != null) {
      withAttribute(port, () -> port.set(vcpu, group, attr, memory, address));
    }
    return port != null;
  }

  private @Nullable VcpuAttributes ownerOf(int group) throws KvmException {
    machine.requireAlive();
    for (VcpuAttributes port : machine.ports.attributes) {
      if (port.owns(group)) {
        return port;
      }
    }
    return null;
  }

  @FunctionalInterface
  private interface AttributeCall {
    void make() throws KvmException;
  }

  private void withAttribute(VcpuAttributes port, AttributeCall call) throws KvmException {
    take();
    try {
      call.make();
    } catch (RuntimeException | Error fault) {
      throw Containment.contain(fault, port);
    } finally {
      vcpu.giveBack();
    }
  }

  /**
   * KVM_INTERRUPT, on a host whose interrupt controller can be the client's: drives the vCPU's pin
   * 0.
   *
   * @param high whether it is asserted
   */
  public void interrupt(boolean high) {
    vcpu.pin(0, high);
  }

  /** A request on a vCPU waits for it to leave the guest, except for the thread that runs it. */
  private void take() throws KvmException {
    if (!vcpu.take()) {
      throw RUNS;
    }
  }

  private @Nullable VcpuRegisters ownerOf(long id) {
    for (VcpuRegisters port : machine.ports.registers) {
      if (port.owns(id)) {
        return port;
      }
    }
    return null;
  }

  private RegisterView viewOf(long id) throws KvmException {
    RegisterView view = vcpu.registers().find(id);
    if (view == null) {
      throw unknown(id);
    }
    return view;
  }

  private KvmException unknown(long id) {
    Errno errno = machine.host().errno("onereg.unknown", Errno.EINVAL);
    for (VcpuRegisters port : machine.ports.registers) {
      errno = port.unknown(id, errno);
    }
    return new KvmException(errno, "no vCPU register has id %#x", id);
  }

  /** How many bytes a register has: its id says so. */
  private static int bytes(long id) {
    return 1 << (int) (id >>> 52 & 0xf);
  }

  /**
   * A request of a device family's own on a vCPU.
   *
   * @param request the encoded number
   * @param argument the request's argument
   * @param memory the caller's memory
   * @return what the request returns; {@link Vm#NOBODYS} where no family has it
   * @throws KvmException where it is refused
   */
  public long request(int request, long argument, UserMemory memory) throws KvmException {
    machine.requireAlive();
    return Vm.request(machine, Requests.Target.VCPU, request, vcpu, argument, memory);
  }

  /**
   * Makes a request of a family's own whose argument is a structure: KVM_ARM_VCPU_INIT, say.
   *
   * @param request the encoded number
   * @param structure the structure in the host's byte order; holds what the request wrote when it
   *     returns
   * @return what the request returns, or {@link Vm#NOBODYS}
   * @throws KvmException where it is refused
   */
  public long request(int request, byte[] structure) throws KvmException {
    return request(request, 0, new BytesMemory(structure, machine.host().byteOrder()));
  }

  /** Drops the reference; the vCPU itself stays until its VM ends. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      machine.unreference();
    }
  }
}
