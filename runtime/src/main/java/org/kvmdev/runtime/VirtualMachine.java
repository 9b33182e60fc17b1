package org.kvmdev.runtime;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.InstanceLimit;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Lifetime;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.GuestMemory;
import org.kvmdev.api.machine.InterruptController;
import org.kvmdev.api.machine.LineEncoding;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.MmioBus;
import org.kvmdev.api.machine.Port;
import org.kvmdev.api.machine.Routing;
import org.kvmdev.api.machine.VcpuLifecycle;

/**
 * One VM: what devices see of it, and what its references ({@link Vm}, {@link Vcpu}, {@link
 * Device}) share. It ends when the last of them is closed.
 *
 * <p>Locks: {@link #lock()} takes the VM's, which can also stop the vCPUs, then comes a vCPU's
 * {@link VirtualCpu#take}, then {@link #firstRun}, then the bus's, then a device's own.
 */
final class VirtualMachine implements Machine {
  static final KvmException DEAD =
      KvmException.constant(
          Errno.EIO, "the VM is dead: its first run was refused, or its last reference is closed");

  private static final KvmException NO_CONTROLLER =
      KvmException.constant(
          Errno.ENXIO, "the VM has no interrupt controller; create its device first");

  private static final KvmException VCPU_RUNS =
      KvmException.constant(Errno.EBUSY, "a vCPU runs; wait until all have left the guest");

  final Bus bus = new Bus();
  final MemorySlots memory;
  final RoutingTable routing;
  final Ports ports = new Ports();

  /** The ports' own, at hand for every line that is driven. */
  private @Nullable LineEncoding lines;

  final EventLines eventLines = new EventLines(this);
  final Doorbells doorbells = new Doorbells(bus);
  final List<Plugin> plugins;
  final List<Capabilities> capabilities = new ArrayList<>();
  volatile boolean dead;

  private final Host host;
  private final long type;
  final long[] sharedRegisters;
  private final Map<Class<?>, Object> families = new HashMap<>();
  private final List<LiveDevice> devices = new ArrayList<>();
  private volatile VirtualCpu[] vcpus = {};
  private volatile int vcpuLimit;
  private volatile boolean anyVcpuRan;

  /** The VM's first run was prepared; its first vCPU may still be refused. */
  private volatile boolean prepared;

  private volatile @Nullable InterruptController controller;

  /** That the controller numbers its lines; published with it. */
  private boolean numbersLines;

  private final VmLock lock = new VmLock();
  private final ReentrantLock firstRun = new ReentrantLock();
  private final AtomicInteger slots = new AtomicInteger();
  private final AtomicInteger references = new AtomicInteger(1);

  VirtualMachine(Host host, long type, List<Plugin> plugins) throws KvmException {
    this.host = host;
    this.type = type;
    this.plugins = plugins;
    this.memory = new MemorySlots(host, type);
    this.sharedRegisters = RegisterStore.shared(host.tables());
    this.routing = new RoutingTable(host);
    this.vcpuLimit = (int) host.number("vcpus.max", 512);
    for (Plugin plugin : plugins) {
      DeviceProvider provider = plugin.provider();
      try (var _ = SlowCall.watch(provider, "joining a VM")) {
        capabilities.add(provider.capabilities(host));
        provider.join(this);
      } catch (RuntimeException | Error fault) {
        throw Containment.contain(fault, provider);
      }
    }
  }

  // What devices see.

  @Override
  public Host host() {
    return host;
  }

  @Override
  public long type() {
    return type;
  }

  @Override
  public MmioBus mmio() {
    return bus;
  }

  @Override
  public GuestMemory memory() {
    return memory;
  }

  @Override
  public Routing routing() {
    return routing;
  }

  @Override
  public int vcpuCount() {
    return vcpus.length;
  }

  @Override
  public VirtualCpu vcpu(int index) {
    return vcpus[index];
  }

  @Override
  public @Nullable VirtualCpu vcpuById(int id) {
    VirtualCpu[] all = vcpus;
    // Most clients number their vCPUs by the order of creation.
    if (id >= 0 && id < all.length && all[id].id() == id) {
      return all[id];
    }
    for (VirtualCpu vcpu : all) {
      if (vcpu.id() == id) {
        return vcpu;
      }
    }
    return null;
  }

  @Override
  public int vcpuLimit() {
    return vcpuLimit;
  }

  @Override
  public void vcpuLimit(int most) {
    vcpuLimit = most;
  }

  @Override
  public boolean anyVcpuRan() {
    return anyVcpuRan;
  }

  @Override
  public <T> T family(Class<T> kind, Supplier<T> make) {
    // No lock of the order above: a port asks with a vCPU's lock held, too.
    synchronized (families) {
      Object known = families.get(kind);
      if (known == null) {
        known = make.get();
        families.put(kind, known);
      }
      return kind.cast(known);
    }
  }

  @Override
  public int slot() {
    return slots.getAndIncrement();
  }

  @Override
  public void quiesce() throws KvmException {
    if (!lock.tryStop()) {
      quiesceWaiting();
    }
  }

  /** Somebody has the lock, or a vCPU has entered since they were stopped last. */
  private void quiesceWaiting() throws KvmException {
    // The lock's owner may be waiting for this very vCPU to stop.
    if (runsVcpu()) {
      throw VCPU_RUNS;
    }
    lock.lock();
    if (lock.stop()) {
      for (VirtualCpu vcpu : vcpus) {
        if (vcpu.lock.isHeldByAnother()) {
          lock.resume();
          throw VCPU_RUNS;
        }
      }
      lock.allOut();
    }
  }

  @Override
  public void resume() {
    lock.resume();
  }

  @Override
  public void withVcpusStopped(Runnable body) {
    lock();
    boolean entered = lock.stop();
    try {
      if (entered) {
        for (VirtualCpu vcpu : vcpus) {
          vcpu.lock.awaitFree();
        }
        lock.allOut();
      }
      body.run();
    } finally {
      lock.resume();
    }
  }

  /** Waits until vCPUs may enter the guest, or make requests of their own, and takes this one. */
  boolean take(VirtualCpu vcpu) {
    while (vcpu.lock.lock()) {
      if (lock.admits()) {
        return true;
      }
      vcpu.lock.unlock();
      lock.awaitEntrance();
    }
    return false;
  }

  @Override
  public void controller(@Nullable InterruptController now) {
    numbersLines = now != null && now.numbersLines();
    controller = now;
  }

  @Override
  public @Nullable InterruptController controller() {
    return controller;
  }

  @Override
  public int irqLine(int line, int level) throws KvmException {
    LineEncoding encoding = lines;
    if (encoding == null) {
      return drive(line, level);
    }
    try {
      return encoding.line(line, level);
    } catch (RuntimeException | Error fault) {
      throw Containment.contain(fault, encoding);
    }
  }

  /** Drives a line whose number no architecture encodes. */
  private int drive(int line, int level) throws KvmException {
    InterruptController now = controller;
    if (now == null) {
      throw NO_CONTROLLER;
    }
    try {
      return numbersLines ? now.line(line, level) : routing.drive(line, level, now);
    } catch (RuntimeException | Error fault) {
      throw Containment.contain(fault, now);
    }
  }

  @Override
  public void plug(Port port) {
    ports.add(port);
    lines = ports.lines;
  }

  /** Drives a GSI as an event does: through the routing table, where the controller has one. */
  void driveGsi(int gsi, int level) {
    InterruptController driven = controller;
    if (driven == null) {
      return;
    }
    try {
      if (numbersLines) {
        driven.line(gsi, level);
      } else {
        routing.drive(gsi, level, driven);
      }
    } catch (RuntimeException | Error fault) {
      Containment.contain(fault, driven);
    }
  }

  // What references share.

  /**
   * Takes the VM's lock. It is the first in the order: a thread that runs a vCPU must not wait for
   * it, since its owner may be waiting for that vCPU to stop.
   */
  void lock() {
    assert !runsVcpu() : "the VM's lock is taken before a vCPU's, and this thread has a vCPU's";
    lock.lock();
  }

  /** Gives the VM's lock back. */
  void unlock() {
    lock.unlock();
  }

  private boolean runsVcpu() {
    if (lock.isHeldByCurrentThread()) {
      return false;
    }
    for (VirtualCpu vcpu : vcpus) {
      if (vcpu.lock.isHeldByCurrentThread()) {
        return true;
      }
    }
    return false;
  }

  void requireAlive() throws KvmException {
    if (dead) {
      throw DEAD;
    }
  }

  /** Makes a device: limit, create, reservation of the caller's handle, init. */
  LiveDevice createDevice(DeviceType wanted, DeviceProvider provider, Vm.Reservation reservation)
      throws KvmException {
    LiveDevice device;
    lock();
    try {
      requireRoom(wanted);
      DeviceOps ops;
      try (var _ = SlowCall.watch(provider, "making a " + wanted)) {
        ops = provider.create(wanted, this);
      } catch (RuntimeException | Error fault) {
        throw Containment.contain(fault, provider);
      }
      device = new LiveDevice(this, wanted, ops);
      devices.add(device);
      references.incrementAndGet();
    } finally {
      unlock();
    }
    try {
      try (var _ = SlowCall.watch(device.ops, "initialising a " + wanted)) {
        device.ops.init();
      }
      reservation.reserve();
      return device;
    } catch (KvmException refusal) {
      discard(device);
      throw refusal;
    } catch (RuntimeException | Error fault) {
      discard(device);
      throw Containment.contain(fault, device.ops);
    }
  }

  private void requireRoom(DeviceType wanted) throws KvmException {
    InstanceLimit limit = wanted.limit().orElse(null);
    if (limit == null) {
      return;
    }
    int same = 0;
    for (LiveDevice device : devices) {
      if (device.type.limit().filter(other -> other.group().equals(limit.group())).isPresent()) {
        same++;
      }
    }
    if (same >= limit.most()) {
      throw new KvmException(
          limit.refusal(), "the VM has %d such device(s) already, which is the most", same);
    }
  }

  private void discard(LiveDevice device) {
    lock();
    try {
      devices.remove(device);
      device.end();
    } finally {
      unlock();
    }
    unreference();
  }

  /** Takes one more reference to a device. */
  void reference(LiveDevice device) throws KvmException {
    lock();
    try {
      if (device.references == 0) {
        throw DEAD;
      }
      device.references++;
    } finally {
      unlock();
    }
  }

  /** Drops a reference to a device; the last one ends it, where that is its lifetime. */
  void unreference(LiveDevice device) {
    lock();
    try {
      if (--device.references > 0) {
        return;
      }
      if (device.type.lifetime() == Lifetime.REFERENCES) {
        devices.remove(device);
        device.end();
      }
    } finally {
      unlock();
    }
    unreference();
  }

  List<LiveDevice> devices() {
    lock();
    try {
      return List.copyOf(devices);
    } finally {
      unlock();
    }
  }

  /** Makes a vCPU, in the kernel's order of checks. */
  VirtualCpu createVcpu(int id, Vm.Reservation reservation) throws KvmException {
    lock();
    try {
      if (Integer.compareUnsigned(id, (int) host.number("vcpu.ids", host.number("vcpus.max", 512)))
          >= 0) {
        throw new KvmException(Errno.EINVAL, "vCPU id %d: this host has ids below that", id);
      }
      VirtualCpu[] all = vcpus;
      if (all.length >= vcpuLimit) {
        throw new KvmException(Errno.EINVAL, "the VM has %d vCPUs, which is the most", all.length);
      }
      tell(port -> port.creating(id));
      if (vcpuById(id) != null) {
        throw new KvmException(host.errno("vcpu.taken", Errno.EEXIST), "vCPU %d exists", id);
      }
      reservation.reserve();
      VirtualCpu vcpu = new VirtualCpu(this, all.length, id);
      VirtualCpu[] next = Arrays.copyOf(all, all.length + 1);
      next[all.length] = vcpu;
      vcpus = next;
      tellCreated(vcpu, all);
      references.incrementAndGet();
      return vcpu;
    } finally {
      unlock();
    }
  }

  /**
   * Tells of a new vCPU; where one refuses it, the vCPUs are as before, and who knows it is told.
   */
  private void tellCreated(VirtualCpu vcpu, VirtualCpu[] before) throws KvmException {
    VcpuLifecycle[] all = ports.lifecycles;
    for (int i = 0; i < all.length; i++) {
      try {
        all[i].created(vcpu);
      } catch (KvmException | RuntimeException | Error thrown) {
        KvmException refusal = Containment.contain(thrown, all[i]);
        vcpus = before;
        for (int told = i - 1; told >= 0; told--) {
          tellDestroyed(all[told], vcpu);
        }
        throw refusal;
      }
    }
  }

  private static void tellDestroyed(VcpuLifecycle port, VirtualCpu vcpu) {
    try {
      port.destroyed(vcpu);
    } catch (RuntimeException | Error fault) {
      Containment.contain(fault, port);
    }
  }

  /** The checks of a run, with the vCPU's lock held: may it, and is the VM ready for its first. */
  void prepareRun(VirtualCpu vcpu) throws KvmException {
    requireAlive();
    for (VcpuLifecycle port : ports.lifecycles) {
      try {
        port.mayRun(vcpu);
      } catch (RuntimeException | Error fault) {
        throw Containment.contain(fault, port);
      }
    }
    if (!prepared) {
      firstRun(vcpu);
    }
    if (!vcpu.ran()) {
      tell(port -> port.starting(vcpu));
      anyVcpuRan = true;
    }
    vcpu.registers().run();
    vcpu.setRan();
  }

  private void firstRun(VirtualCpu vcpu) throws KvmException {
    firstRun.lock();
    try {
      if (prepared) {
        return;
      }
      requireAlive();
      tell(port -> port.firstRun(vcpu));
      prepared = true;
    } catch (KvmException refusal) {
      dead = host.number("run.refusal.kills", 1) != 0;
      throw refusal;
    } finally {
      firstRun.unlock();
    }
  }

  private void tell(Told what) throws KvmException {
    for (VcpuLifecycle port : ports.lifecycles) {
      try {
        what.to(port);
      } catch (RuntimeException | Error fault) {
        throw Containment.contain(fault, port);
      }
    }
  }

  @FunctionalInterface
  private interface Told {
    void to(VcpuLifecycle port) throws KvmException;
  }

  /** One more reference to the VM, which is alive. */
  void reference() {
    references.incrementAndGet();
  }

  /** Drops a reference to the VM; the last one ends it. */
  void unreference() {
    if (references.decrementAndGet() > 0) {
      return;
    }
    eventLines.end();
    lock();
    try {
      dead = true;
      List<LiveDevice> left = new ArrayList<>(devices);
      devices.clear();
      // Newest first, as the kernel does.
      for (int i = left.size() - 1; i >= 0; i--) {
        left.get(i).end();
      }
      for (VirtualCpu vcpu : vcpus) {
        for (VcpuLifecycle port : ports.lifecycles) {
          tellDestroyed(port, vcpu);
        }
      }
    } finally {
      unlock();
    }
  }
}
