package org.kvmdev.runtime;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.FileRequests;
import org.kvmdev.api.machine.InterruptController;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.MadeFile;
import org.kvmdev.api.machine.Requests;
import org.kvmdev.api.machine.Routing;
import org.kvmdev.api.machine.SystemRegisters;

/**
 * A reference to a VM, as a file descriptor is one. The VM lives until all references are closed,
 * those of its vCPUs and devices included.
 */
public final class Vm implements AutoCloseable {
  private static final KvmException NO_MESSAGES =
      KvmException.constant(
          Errno.EINVAL, "the VM has no interrupt controller, or the flags are neither 0 nor 1");

  private static final int CAP_MANUAL_DIRTY_LOG_PROTECT2 = 168;

  private final VirtualMachine machine;
  private final AtomicBoolean closed = new AtomicBoolean();

  Vm(VirtualMachine machine) {
    this.machine = machine;
  }

  /** What is done when a handle for a new object must be found: refused, the object is not made. */
  @FunctionalInterface
  public interface Reservation {
    /** For callers whose handles are references: nothing to reserve. */
    Reservation NONE = () -> {};

    /**
     * Reserves a handle.
     *
     * @throws KvmException where none is left
     */
    void reserve() throws KvmException;
  }

  /**
   * The host that the VM was made on.
   *
   * @return the host
   */
  public Host host() {
    return machine.host();
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
   * The VM as its devices see it, for an emulator that puts devices of its own on the bus.
   *
   * @return the VM
   */
  public Machine machine() {
    return machine;
  }

  /**
   * The device types that this VM can have.
   *
   * @return the types
   */
  public List<DeviceType> types() {
    return machine.plugins.stream()
        .flatMap(plugin -> plugin.types(machine.host()).stream())
        .toList();
  }

  /**
   * KVM_CREATE_VCPU.
   *
   * @param id the vCPU's id
   * @return the vCPU
   * @throws KvmException EINVAL for an id or a number of vCPUs beyond the limit, EEXIST; what a
   *     device family refuses
   */
  public Vcpu createVcpu(int id) throws KvmException {
    return createVcpu(id, Reservation.NONE);
  }

  /**
   * KVM_CREATE_VCPU, for a caller whose handles can run out.
   *
   * @param id the vCPU's id
   * @param reservation called after all checks, before the vCPU is made
   * @return the vCPU
   * @throws KvmException as {@link #createVcpu(int)}
   */
  public Vcpu createVcpu(int id, Reservation reservation) throws KvmException {
    machine.requireAlive();
    return new Vcpu(machine, machine.createVcpu(id, reservation));
  }

  /**
   * KVM_CREATE_DEVICE with KVM_CREATE_DEVICE_TEST: whether there is such a type, not whether one
   * can be made now.
   *
   * @param type the type's number
   * @throws KvmException ENODEV where the host has no such type
   */
  public void testDevice(int type) throws KvmException {
    machine.requireAlive();
    find(type);
  }

  /**
   * KVM_CREATE_DEVICE.
   *
   * @param type the type's number
   * @return the device
   * @throws KvmException ENODEV where the host has no such type; the type's errno for one too many
   */
  public Device createDevice(int type) throws KvmException {
    return createDevice(type, Reservation.NONE);
  }

  /**
   * KVM_CREATE_DEVICE, by the type's name.
   *
   * @param name as {@link DeviceType#name()}
   * @return the device
   * @throws KvmException as {@link #createDevice(int)}
   * @throws IllegalArgumentException where there is no such name; the message says which there are
   */
  public Device createDevice(String name) throws KvmException {
    for (DeviceType type : types()) {
      if (type.name().equals(name)) {
        return createDevice(type.number());
      }
    }
    throw new IllegalArgumentException(
        "host " + host() + " has no device type " + name + "; it has: " + types());
  }

  /**
   * KVM_CREATE_DEVICE, for a caller whose handles can run out.
   *
   * @param type the type's number
   * @param reservation called after the device was made; refused, the device is ended
   * @return the device
   * @throws KvmException as {@link #createDevice(int)}
   */
  public Device createDevice(int type, Reservation reservation) throws KvmException {
    machine.requireAlive();
    Found found = find(type);
    return new Device(machine.createDevice(found.type, found.plugin.provider(), reservation));
  }

  private record Found(DeviceType type, Plugin plugin) {}

  private Found find(int number) throws KvmException {
    for (Plugin plugin : machine.plugins) {
      for (DeviceType type : plugin.types(machine.host())) {
        if (type.number() == number) {
          return new Found(type, plugin);
        }
      }
    }
    throw new KvmException(Errno.ENODEV, "this host has no device type %d", number);
  }

  /**
   * KVM_CHECK_EXTENSION of the VM.
   *
   * @param capability the capability's number
   * @return the answer; 0 where there is none
   * @throws KvmException where asking is refused
   */
  public int checkExtension(int capability) throws KvmException {
    machine.requireAlive();
    return Kvm.answer(machine.capabilities, machine.host(), capability, machine);
  }

  /**
   * KVM_ENABLE_CAP of the VM.
   *
   * @param capability the capability's number
   * @param flags must be 0
   * @param arguments up to four
   * @throws KvmException EINVAL for flags, or a capability that nobody has
   */
  public void enableCapability(int capability, int flags, long... arguments) throws KvmException {
    machine.requireAlive();
    long[] four = Arrays.copyOf(arguments, 4);
    if (flags == 0) {
      for (Capabilities family : machine.capabilities) {
        try {
          if (family.enable(capability, machine, four)) {
            return;
          }
        } catch (RuntimeException | Error fault) {
          throw Containment.contain(fault, family);
        }
      }
    }
    if (flags != 0 || !EnabledByHost.enable(host(), "vm", capability, four[0])) {
      throw new KvmException(
          Errno.EINVAL, "capability %d cannot be enabled on a VM (flags %d)", capability, flags);
    }
    if (capability == CAP_MANUAL_DIRTY_LOG_PROTECT2) {
      machine.memory.manualProtect(four[0]);
    }
  }

  /**
   * KVM_IRQ_LINE and KVM_IRQ_LINE_STATUS.
   *
   * @param line the line, as the architecture encodes it
   * @param level the level: 32 bits
   * @return the status: 1 or more delivered, 0 coalesced, or an errno's negative
   * @throws KvmException ENXIO where the VM has no interrupt controller; what an encoding refuses
   */
  public int irqLine(int line, int level) throws KvmException {
    machine.requireAlive();
    return machine.irqLine(line, level);
  }

  /**
   * KVM_SIGNAL_MSI.
   *
   * @param address the doorbell's guest physical address
   * @param data the message
   * @param device the device id; has a meaning where {@code flags} is 1
   * @param flags 0, or 1 (KVM_MSI_VALID_DEVID)
   * @return 1 delivered, 0 swallowed
   * @throws KvmException EINVAL without a controller or for other flags; what the controller
   *     refuses
   */
  public int signalMsi(long address, int data, int device, int flags) throws KvmException {
    machine.requireAlive();
    InterruptController controller = machine.controller();
    if (controller == null || (flags & ~1) != 0) {
      throw NO_MESSAGES;
    }
    try {
      return controller.message(address, data, device, flags);
    } catch (RuntimeException | Error fault) {
      throw Containment.contain(fault, controller);
    }
  }

  /**
   * KVM_SET_GSI_ROUTING.
   *
   * @param routes the whole new table
   * @throws KvmException EINVAL where a route cannot be
   */
  public void setGsiRouting(List<Routing.Route> routes) throws KvmException {
    machine.requireAlive();
    machine.lock();
    try {
      machine.routing.replace(routes);
    } finally {
      machine.unlock();
    }
  }

  /**
   * Has a listener told of each end of a pin's interrupt, for lines that are shared or sampled
   * again.
   *
   * @param chip the interrupt chip
   * @param pin its pin
   * @param listener who is told, with no device's lock held
   */
  public void onAcked(int chip, int pin, Runnable listener) {
    machine.routing.onAcked(chip, pin, listener);
  }

  /**
   * KVM_SET_USER_MEMORY_REGION.
   *
   * @param slot the slot's number
   * @param flags 0, 1 (log dirty pages), 2 (read-only), or both
   * @param guestAddress the guest physical address; whole pages of 4096 bytes
   * @param size its length in bytes; 0 removes the slot
   * @param memory the client's memory
   * @param userAddress where in it the slot begins
   * @throws KvmException EINVAL, EEXIST where slots overlap
   */
  public void setMemory(
      int slot, int flags, long guestAddress, long size, UserMemory memory, long userAddress)
      throws KvmException {
    machine.requireAlive();
    machine.lock();
    try {
      machine.memory.set(slot, flags, guestAddress, size, memory, userAddress);
    } finally {
      machine.unlock();
    }
  }

  /**
   * KVM_GET_DIRTY_LOG.
   *
   * @param slot the slot's number
   * @return a bit for each page, in the kernel's words; read, the log is empty, unless the client
   *     has enabled KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2
   * @throws KvmException EINVAL for no slot's number, ENOENT where the slot does not log
   */
  public byte[] dirtyLog(int slot) throws KvmException {
    machine.requireAlive();
    return machine.memory.dirtyLog(slot);
  }

  /**
   * KVM_CLEAR_DIRTY_LOG.
   *
   * @param slot the slot's number
   * @param first the first page, a multiple of 64
   * @param count how many pages; to the end, or a multiple of 64
   * @param memory the client's memory
   * @param address where in it the bitmap is
   * @throws KvmException EINVAL, ENOENT as {@link #dirtyLog}; EFAULT
   */
  public void clearDirtyLog(int slot, long first, int count, UserMemory memory, long address)
      throws KvmException {
    machine.requireAlive();
    machine.memory.clearDirtyLog(slot, first, count, memory, address);
  }

  /**
   * What KVM_IRQFD checks before it looks at the descriptors.
   *
   * @throws KvmException EAGAIN where the interrupt controller is not ready
   */
  public void requireEventLines() throws KvmException {
    machine.eventLines.requireReady();
  }

  /**
   * KVM_IRQFD: has an event drive a GSI's line.
   *
   * @param event a signal raises the line and lowers it
   * @param gsi the GSI
   * @param resample where not null, a signal only raises the line; its end lowers it, and signals
   *     this
   * @throws KvmException EBUSY where the event drives a line of this VM already
   */
  public void assignEventLine(Event event, int gsi, @Nullable Event resample) throws KvmException {
    machine.requireAlive();
    machine.eventLines.assign(event, gsi, resample);
  }

  /**
   * KVM_IRQFD with KVM_IRQFD_FLAG_DEASSIGN; where the event drives nothing, nothing is done.
   *
   * @param event the event
   * @param gsi the GSI
   */
  public void deassignEventLine(Event event, int gsi) {
    machine.eventLines.deassign(event, gsi);
  }

  /**
   * The checks of KVM_IOEVENTFD that come before the descriptor is looked at.
   *
   * @param address the guest physical address
   * @param length 1, 2, 4, 8, or 0 for any
   * @param flags KVM_IOEVENTFD_FLAG_*
   * @throws KvmException EINVAL
   */
  public static void checkDoorbell(long address, int length, int flags) throws KvmException {
    Doorbells.check(address, length, flags);
  }

  /**
   * KVM_IOEVENTFD: has a guest's store signal an event instead of exiting; or, with
   * KVM_IOEVENTFD_FLAG_DEASSIGN, ends that.
   *
   * @param event the event
   * @param address the guest physical address
   * @param length 1, 2, 4, 8, or 0 for any
   * @param flags KVM_IOEVENTFD_FLAG_*; on buses other than MMIO there are no accesses here
   * @param data what is stored, where the flags say that it matters
   * @throws KvmException EINVAL; EEXIST where the address is taken; ENOENT for nothing to deassign
   */
  public void doorbell(Event event, long address, int length, int flags, long data)
      throws KvmException {
    machine.requireAlive();
    if ((flags & Doorbells.DEASSIGN) != 0) {
      machine.doorbells.deassign(event, address, length, flags, data);
    } else {
      Doorbells.check(address, length, flags);
      machine.doorbells.assign(event, address, length, flags, data);
    }
  }

  /**
   * A request of a device family's own on a VM.
   *
   * @param request the encoded number
   * @param argument the request's argument
   * @param memory the caller's memory
   * @return what the request returns; {@link #NOBODYS} where no family has it
   * @throws KvmException where it is refused
   */
  public long request(int request, long argument, UserMemory memory) throws KvmException {
    machine.requireAlive();
    return request(machine, Requests.Target.VM, request, null, argument, memory);
  }

  /**
   * A request of a device family's own on a VM that makes a file.
   *
   * @param request the encoded number
   * @param argument the request's argument
   * @param memory the caller's memory
   * @return the file; null where no family has the request
   * @throws KvmException where it is refused
   */
  public @Nullable MadeFile open(int request, long argument, UserMemory memory)
      throws KvmException {
    machine.requireAlive();
    return open(machine, Requests.Target.VM, request, null, argument, memory);
  }

  static @Nullable MadeFile open(
      VirtualMachine machine,
      Requests.Target target,
      int request,
      @Nullable VirtualCpu vcpu,
      long argument,
      UserMemory memory)
      throws KvmException {
    FileRequests family = machine.ports.fileRequest(target, request);
    if (family == null) {
      return null;
    }
    try {
      return family.open(request, vcpu, memory, argument);
    } catch (RuntimeException | Error fault) {
      throw Containment.contain(fault, family);
    }
  }

  /**
   * One more reference to the VM, for a file that a request on it has made.
   *
   * @return what drops it
   */
  public Runnable reference() {
    machine.reference();
    return machine::unreference;
  }

  /** What {@link #request} answers for a number that no family has. */
  public static final long NOBODYS = Long.MIN_VALUE;

  static long request(
      VirtualMachine machine,
      Requests.Target target,
      int request,
      @Nullable VirtualCpu vcpu,
      long argument,
      UserMemory memory)
      throws KvmException {
    Requests family = machine.ports.request(target, request);
    if (family == null) {
      return NOBODYS;
    }
    try {
      return family.ioctl(request, vcpu, memory, argument);
    } catch (RuntimeException | Error fault) {
      throw Containment.contain(fault, family);
    }
  }

  /**
   * A system register by its name, to be kept: accesses by it look nothing up.
   *
   * @param name the manual's name
   * @return the register; one that nobody has is undefined at each access
   */
  public SystemRegister systemRegister(String name) {
    for (SystemRegisters port : machine.ports.systemRegisters) {
      int encoding = port.encoding(name);
      if (encoding != SystemRegisters.NOT_MINE) {
        return new SystemRegister(name, port, encoding, 0);
      }
    }
    String key = "sysreg." + name;
    return host().has(key)
        ? new SystemRegister(name, null, SystemRegister.CONSTANT, host().number(key, 0))
        : new SystemRegister(name, null, SystemRegister.UNDEFINED, 0);
  }

  /**
   * Saves the state of all devices and of the vCPU registers that belong to them.
   *
   * @return the state
   * @throws KvmException where a device refuses, as EBUSY while a vCPU runs
   */
  public Snapshot save() throws KvmException {
    machine.requireAlive();
    return Snapshot.of(machine);
  }

  /**
   * Restores a state into this VM, whose vCPUs and devices its client has made and connected as
   * they were. Guest memory is restored before.
   *
   * @param snapshot the state
   * @throws KvmException EINVAL where this VM is made otherwise, with nothing written; what a
   *     device refuses
   */
  public void restore(Snapshot snapshot) throws KvmException {
    machine.requireAlive();
    snapshot.restoreInto(machine);
  }

  /**
   * Whether the VM is dead: its first run was refused.
   *
   * @return true where every call on it is EIO
   */
  public boolean isDead() {
    return machine.dead;
  }

  /** Drops the reference. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      machine.unreference();
    }
  }
}
