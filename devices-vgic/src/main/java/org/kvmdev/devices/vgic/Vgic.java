package org.kvmdev.devices.vgic;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.InterruptController;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Routing;
import org.kvmdev.api.machine.Vcpu;
import org.kvmdev.api.machine.VcpuLifecycle;

/**
 * A VM's GIC: what its version 2 and its version 3 share. There is one in every VM of the
 * architecture, made before any device; KVM_CREATE_DEVICE or KVM_CREATE_IRQCHIP gives it its model.
 *
 * <p>Locks: the configuration (addresses, model, initialisation) is changed with the VM's lock held
 * or under this object's monitor; each interrupt is guarded by its home's lock ({@link Interrupt}).
 * Of two homes, the one with the smaller index is locked first.
 *
 * <p>Not final, so that a test can plant a race in it.
 */
class Vgic implements VcpuLifecycle, InterruptController {
  /** The number of interrupts where the client sets none. */
  private static final int LEGACY_INTERRUPTS = 256;

  /** The revision in IIDR, the newest that the kernel knows. */
  private static final int LATEST_REVISION = 3;

  private static final KvmException RAN =
      KvmException.constant(Errno.EBUSY, "a vCPU has run: the GIC must be created before");
  private static final KvmException EXISTS =
      KvmException.constant(Errno.EEXIST, "the VM has a GIC already");
  private static final KvmException NOT_INITIALISED =
      KvmException.constant(
          Errno.EBUSY, "the GIC is not initialised: set CTRL/INIT before its registers are used");
  private static final KvmException INITIALISED =
      KvmException.constant(
          Errno.EBUSY, "the GIC is initialised: create the vCPUs before CTRL/INIT");
  private static final KvmException VCPU_NOT_INITIALISED =
      KvmException.constant(Errno.ENOEXEC, "the vCPU needs KVM_ARM_VCPU_INIT before it can run");
  private static final KvmException NO_SUCH_INTERRUPT =
      KvmException.constant(Errno.EINVAL, "the GIC has no such interrupt");

  private static final int VALID_DEVICE_ID = 1;

  private static final KvmException NO_DEVICE_ID =
      KvmException.constant(
          Errno.EINVAL, "a message to an ITS needs a device id, and KVM_MSI_VALID_DEVID");
  private static final KvmException NO_DOORBELL =
      KvmException.constant(Errno.EINVAL, "a message's address is an ITS's: ADDR + 0x10040");

  final Machine machine;
  final GicHost host;

  /** What the GIC has for each vCPU, in the order of creation; null where there is none yet. */
  final VgicCpu[] cpus;

  final AddressMap addresses;
  final RedistributorRegions regions;
  final InterruptRegisters registers;
  final GenericTimers timers;
  final Lpis lpis;

  /** The VM's ITSs, in the order in which they were created. */
  final List<Its> itss = new CopyOnWriteArrayList<>();

  /** The propbaser that all redistributors share. */
  volatile long propbaser;

  /** The VM has an ITS, so there are LPIs. */
  volatile boolean hasIts;

  /** The device that a client has; null before, and where KVM_CREATE_IRQCHIP made the GIC. */
  volatile @Nullable DeviceOps device;

  private final VgicCpu nowhere;
  private volatile @Nullable Model model;
  private volatile boolean initialised;
  private boolean ready;
  private int spiCount;
  private volatile Interrupt[] spis = new Interrupt[0];

  private volatile InterruptBank[] banks = {};

  private volatile boolean enabled;
  private volatile int enableCount;
  private volatile int revision;
  private volatile boolean groupsWritable;
  private volatile int uninitialisedCpus;
  private volatile int madeCpus;

  Vgic(Machine machine) {
    this.machine = machine;
    host = new GicHost(machine.host());
    cpus = new VgicCpu[machine.vcpuLimit()];
    addresses = new AddressMap(machine);
    regions = new RedistributorRegions(this);
    registers = new InterruptRegisters(this);
    timers = new GenericTimers(this);
    lpis = new Lpis(this);
    nowhere = new VgicCpu(this, null);
  }

  /** The version of the GIC that the guest has. */
  enum Model {
    /** GICv2: at most 8 vCPUs. */
    V2(8),
    /** GICv3: at most 512 vCPUs. */
    V3(512);

    final int vcpuLimit;

    Model(int vcpuLimit) {
      this.vcpuLimit = vcpuLimit;
    }
  }

  // Bring-up.

  /** Whether the VM has a GIC. */
  boolean exists() {
    return model != null;
  }

  boolean isV2() {
    return model == Model.V2;
  }

  boolean isV3() {
    return model == Model.V3;
  }

  boolean isInitialised() {
    return initialised;
  }

  @Override
  public boolean isReady() {
    return initialised;
  }

  /** Gives the GIC its model. The VM's lock is held. */
  void create(Model which) throws KvmException {
    machine.quiesce();
    try {
      if (exists()) {
        throw EXISTS;
      }
      if (machine.anyVcpuRan()) {
        throw RAN;
      }
      machine.vcpuLimit(which.vcpuLimit);
      if (machine.vcpuCount() > which.vcpuLimit) {
        throw new KvmException(
            Errno.E2BIG,
            "the VM has %d vCPUs; the GIC serves %d",
            machine.vcpuCount(),
            which.vcpuLimit);
      }
      model = which;
      machine.controller(this);
    } finally {
      machine.resume();
    }
  }

  /** Adds an ITS. The VM's lock is held. */
  Its createIts() {
    Its its = new Its(this);
    if (initialised) {
      lpis.cache.size(cpuCount());
    }
    propbaser = Redistributor.INITIAL_BASER;
    hasIts = true;
    itss.add(its);
    return its;
  }

  /** How many interrupts there are: SGIs, PPIs and SPIs. */
  int interruptCount() {
    return spiCount + Interrupt.PRIVATE;
  }

  /** NR_IRQS, once and before initialisation. */
  synchronized void interruptCount(long wanted) throws KvmException {
    int count = (int) wanted;
    if (wanted > 1023 || count < 64 || (count & 31) != 0) {
      throw new KvmException(
          Errno.EINVAL, "%d interrupts: the number is 64 to 992, in steps of 32", wanted);
    }
    if (ready || spiCount != 0) {
      throw new KvmException(Errno.EBUSY, "the GIC has %d interrupts already", interruptCount());
    }
    spiCount = count - Interrupt.PRIVATE;
  }

  /** CTRL/INIT: makes the interrupts; done once. */
  void initialise() throws KvmException {
    if (!initialised) {
      initialiseOnce();
    }
  }

  private synchronized void initialiseOnce() throws KvmException {
    if (initialised) {
      return;
    }
    if (spiCount == 0) {
      spiCount = LEGACY_INTERRUPTS - Interrupt.PRIVATE;
    }
    boolean v3 = isV3();
    VgicCpu target = cpuCount() == 0 ? null : cpu(0);
    Interrupt[] made = new Interrupt[spiCount];
    for (int i = 0; i < made.length; i++) {
      Interrupt irq = new Interrupt(Interrupt.PRIVATE + i, target == null ? nowhere : target);
      irq.target = target;
      irq.edge = true;
      irq.group1 = v3;
      made[i] = irq;
    }
    for (int index = 0; index < cpuCount(); index++) {
      VgicCpu cpu = cpu(index);
      for (Interrupt irq : cpu.own) {
        irq.group1 = v3;
        irq.targets = 1 << index;
      }
      cpu.bank.reset();
      cpu.reset();
    }
    if (hasIts) {
      lpis.cache.size(cpuCount());
    }
    InterruptBank[] madeBanks = new InterruptBank[spiCount / InterruptBank.SIZE];
    for (int i = 0; i < madeBanks.length; i++) {
      int from = i * InterruptBank.SIZE;
      madeBanks[i] = new InterruptBank(Arrays.copyOfRange(made, from, from + InterruptBank.SIZE));
    }
    banks = madeBanks;
    spis = made;
    List<Routing.Route> routes = new ArrayList<>();
    for (int pin = 0; pin < spiCount; pin++) {
      routes.add(new Routing.Route.Pin(pin, 0, pin));
    }
    machine.routing().replace(routes);
    if (revision == 0) {
      revision = LATEST_REVISION;
    }
    initialised = true;
  }

  /** Before an interrupt or a register is used: a GICv2 initialises itself, a GICv3 refuses. */
  void initialiseLazily() throws KvmException {
    if (!initialised) {
      if (!isV2()) {
        throw NOT_INITIALISED;
      }
      initialise();
    }
  }

  @Override
  public void creating(int id) throws KvmException {
    if (initialised) {
      throw INITIALISED;
    }
    if (id < 0 || id >= machine.vcpuLimit()) {
      throw new KvmException(Errno.EINVAL, "vCPU id %d: ids are below %d", id, machine.vcpuLimit());
    }
  }

  @Override
  public void created(Vcpu vcpu) throws KvmException {
    VgicCpu cpu = new VgicCpu(this, vcpu);
    if (isV3()) {
      regions.place(cpu, vcpu.index());
    }
    cpus[vcpu.index()] = cpu;
    synchronized (this) {
      uninitialisedCpus++;
    }
    madeCpus = vcpu.index() + 1;
  }

  /** A vCPU that another refused is forgotten; those that end with their VM need not be. */
  @Override
  public void destroyed(Vcpu vcpu) {
    int index = vcpu.index();
    if (index < machine.vcpuCount()) {
      return;
    }
    VgicCpu cpu = cpus[index];
    regions.forget(cpu.redistributor);
    cpus[index] = null;
    madeCpus = index;
    synchronized (this) {
      uninitialisedCpus--;
    }
  }

  /** KVM_ARM_VCPU_INIT. */
  void vcpuInitialised(VgicCpu cpu) {
    synchronized (this) {
      if (!cpu.initialised) {
        cpu.initialised = true;
        uninitialisedCpus--;
      }
    }
    timers.reset(cpu);
    cpu.lockSettled();
    cpu.lines = 0;
    cpu.drivePins();
    cpu.unlock();
  }

  @Override
  public void mayRun(Vcpu vcpu) throws KvmException {
    if (!cpu(vcpu).initialised) {
      throw VCPU_NOT_INITIALISED;
    }
  }

  @Override
  public void firstRun(Vcpu vcpu) throws KvmException {
    Model which = model;
    if (which != null) {
      synchronized (this) {
        map(which);
        ready = true;
      }
    }
  }

  private void map(Model which) throws KvmException {
    switch (which) {
      case V2 -> {
        addresses.checkV2();
        initialise();
        add(addresses.distributor(), AddressMap.V2_DISTRIBUTOR_SIZE, new DistributorV2(this));
        add(addresses.cpuInterface(), AddressMap.V2_CPU_INTERFACE_SIZE, new CpuInterfaceV2(this));
      }
      case V3 -> {
        regions.checkAllPlaced();
        addresses.requireDistributor();
        regions.check(cpuCount());
        if (!initialised) {
          throw NOT_INITIALISED;
        }
        add(addresses.distributor(), AddressMap.V3_DISTRIBUTOR_SIZE, new DistributorV3(this));
      }
    }
  }

  private void add(long base, long size, MmioHandler handler) throws KvmException {
    machine.mmio().add(base, size, handler);
  }

  @Override
  public void enter(Vcpu vcpu) {
    VgicCpu cpu = cpu(vcpu);
    if (initialised) {
      timers.load(cpu);
    }
    cpu.enter();
  }

  @Override
  public void exit(Vcpu vcpu) {
    cpu(vcpu).exit();
  }

  // vCPUs.

  VgicCpu cpu(Vcpu vcpu) {
    return cpus[vcpu.index()];
  }

  VgicCpu cpu(int index) {
    return cpus[index];
  }

  /** How many vCPUs there are, as far as they are made here. */
  int cpuCount() {
    return Math.min(madeCpus, machine.vcpuCount());
  }

  /** Private interrupts are injected by id where an index is meant; alike unless ids have gaps. */
  @Nullable VgicCpu cpuWithIdAsIndex(VgicCpu cpu) {
    return cpu.id == cpu.index ? cpu : cpu.id < cpuCount() ? cpu(cpu.id) : null;
  }

  /** The first vCPU with an affinity: Aff2, Aff1 and Aff0. */
  @Nullable VgicCpu cpuWithAffinity(int affinity) {
    if (uninitialisedCpus != 0 && affinity == 0) {
      // Those that are not initialised are all at affinity 0.
      for (int index = 0; index < cpuCount(); index++) {
        if (cpu(index).affinity() == 0) {
          return cpu(index);
        }
      }
      return null;
    }
    int id = Affinity.id(affinity);
    VgicCpu cpu = id < 0 ? null : cpuWithId(id);
    return cpu != null && cpu.affinity() == affinity ? cpu : null;
  }

  /** The vCPU of an id. */
  @Nullable VgicCpu cpuWithId(int id) {
    VgicCpu cpu = id < cpus.length ? cpus[id] : null;
    // Mostly an id is the index.
    return cpu != null && cpu.id == id ? cpu : search(id);
  }

  private @Nullable VgicCpu search(int id) {
    Vcpu vcpu = machine.vcpuById(id);
    return vcpu == null ? null : cpu(vcpu);
  }

  // Interrupts.

  /**
   * Finds an interrupt.
   *
   * @param cpu whose SGIs and PPIs
   * @param intid the INTID
   * @return the interrupt, or null
   */
  @Nullable Interrupt interrupt(VgicCpu cpu, int intid) {
    return intid < Interrupt.PRIVATE ? cpu.own[intid] : spi(intid);
  }

  /** An SPI; null where there is none of this INTID. */
  @Nullable Interrupt spi(int intid) {
    Interrupt[] all = spis;
    int at = intid - Interrupt.PRIVATE;
    return at >= 0 && at < all.length ? all[at] : null;
  }

  /** The bank of an SPI. */
  InterruptBank bank(int intid) {
    return banks[intid / InterruptBank.SIZE - 1];
  }

  /** Where an interrupt belongs now; null where it is neither active nor can be delivered. */
  @Nullable VgicCpu destination(Interrupt irq) {
    if (irq.active) {
      return irq.queued ? irq.home : irq.target;
    }
    return isDeliverable(irq) ? irq.target : null;
  }

  /** Whether an interrupt can be delivered, where it is not active. */
  private boolean isDeliverable(Interrupt irq) {
    return irq.enabled && enabled && irq.isPending();
  }

  /**
   * Queues an interrupt where it belongs, after its state changed; whoever runs there notices. Its
   * home's lock is held.
   */
  void queue(Interrupt irq) {
    queue(irq, irq.home);
  }

  /** The same for who has the home at hand. */
  private void queue(Interrupt irq, VgicCpu home) {
    if (irq.queued) {
      queueAgain(irq, home);
    } else if (isDeliverable(irq) | irq.active) {
      enqueue(irq, home);
    }
  }

  private void queueAgain(Interrupt irq, VgicCpu home) {
    boolean due = isDeliverable(irq);
    if (due && home.pendsAgain(irq)) {
      return;
    }
    home.changed(irq);
    if (irq.active || due && irq.target != null) {
      // Where it goes elsewhere now, leaving the guest is what moves it.
      home.notice(irq);
    }
  }

  private void enqueue(Interrupt irq, VgicCpu home) {
    VgicCpu to = irq.target;
    if (to == home && !irq.moving) {
      home.admit(irq);
    } else if (to != null) {
      irq.queueWhenHome = true;
    }
  }

  /** Takes note of a change that queues nothing. The home's lock is held. */
  void changed(Interrupt irq) {
    if (irq.queued) {
      irq.home.changed(irq);
    }
  }

  /** Drives an interrupt's input line. */
  void inject(Interrupt irq, boolean level, @Nullable Object owner) {
    VgicCpu home = irq.lock();
    drive(irq, home, level, owner);
    home.unlock();
  }

  private void drive(Interrupt irq, VgicCpu home, boolean level, @Nullable Object owner) {
    if (irq.owner == owner && (irq.edge ? level : irq.line != level)) {
      if (irq.edge) {
        irq.latch = true;
        queue(irq, home);
      } else {
        irq.line = level;
        if (level || irq.latch || irq.active) {
          queue(irq, home);
        } else if (irq.queued) {
          // A line that falls makes nothing due.
          home.changed(irq);
        }
      }
    }
  }

  /** A message makes an LPI pending. The lock of its home is held. */
  void deliver(Interrupt lpi) {
    lpi.latch = true;
    queue(lpi);
  }

  /** Gives an interrupt another target, which counts when it is not in a queue. */
  void retarget(Interrupt irq, @Nullable VgicCpu target) {
    VgicCpu home = irq.lock();
    irq.target = target;
    changed(irq);
    boolean moves = !irq.queued && !irq.moving && home != homeOf(target);
    irq.moving |= moves;
    home.unlock();
    if (moves) {
      moveOneHome(irq);
    }
  }

  /**
   * Moves interrupts that are in no queue, and that nobody else moves, to the home of their target.
   * No lock is held.
   */
  void moveHome(@Nullable Interrupt chain) {
    Interrupt irq = chain;
    while (irq != null) {
      Interrupt next = irq.next;
      irq.next = null;
      moveOneHome(irq);
      irq = next;
    }
  }

  private void moveOneHome(Interrupt irq) {
    for (; ; ) {
      VgicCpu from = irq.lock();
      VgicCpu to = homeOf(irq.target);
      if (from == to) {
        arrive(irq);
        from.unlock();
        return;
      }
      from.unlock();
      VgicCpu lower = from.index < to.index ? from : to;
      VgicCpu upper = lower == from ? to : from;
      lower.lockSettled();
      upper.lockSettled();
      boolean moved = homeOf(irq.target) == to;
      if (moved) {
        irq.home = to;
        arrive(irq);
      }
      // What became due is told by its new home, with no other lock held.
      from.unlock();
      to.unlock();
      if (moved) {
        return;
      }
    }
  }

  private void arrive(Interrupt irq) {
    irq.moving = false;
    if (irq.queueWhenHome) {
      irq.queueWhenHome = false;
      queue(irq);
    }
  }

  VgicCpu homeOf(@Nullable VgicCpu target) {
    return target == null ? nowhere : target;
  }

  /** Every vCPU in the guest leaves and enters it, so that active states are the true ones. */
  void kickAll() {
    for (int index = 0; index < cpuCount(); index++) {
      VgicCpu cpu = cpu(index);
      if (cpu.isInGuest()) {
        cpu.lockSettled();
        cpu.kick();
        cpu.unlock();
      }
    }
  }

  // The distributor's own state.

  /** GICD_CTLR's enable. */
  boolean isEnabled() {
    return enabled;
  }

  void enable(boolean on) {
    if (enabled != on) {
      change(on);
    }
  }

  private void change(boolean on) {
    settleAll();
    synchronized (this) {
      if (enabled == on) {
        return;
      }
      enabled = on;
      enableCount++;
    }
    if (on) {
      // Those that enter meanwhile may have filled their list registers before.
      for (int index = 0; index < cpuCount(); index++) {
        VgicCpu cpu = cpu(index);
        cpu.lockSettled();
        cpu.kick();
        cpu.unlock();
      }
    }
  }

  /** What was put off is done as things are now. */
  private void settleAll() {
    for (int index = 0; index < cpuCount(); index++) {
      VgicCpu cpu = cpu(index);
      cpu.lockSettled();
      cpu.unlock();
    }
  }

  /** Counts how often the distributor was enabled or disabled. */
  int enableCount() {
    return enableCount;
  }

  /** GICD_IIDR: KVM's product, the revision, Arm. */
  int implementationId() {
    return 0x4b00_043b | revision << 12;
  }

  int revision() {
    return revision;
  }

  /** User space writes GICD_IIDR, which can select a revision. */
  void implementationId(int value) throws KvmException {
    int wanted = value >> 12 & 0xf;
    if (((value ^ implementationId()) & ~0xf000) != 0 || wanted < 2 || wanted > LATEST_REVISION) {
      throw new KvmException(
          Errno.EINVAL,
          "GICD_IIDR %#x: only revisions 2 and 3 of %#x are known",
          value & 0xffffffffL,
          implementationId());
    }
    revision = wanted;
    groupsWritable = true;
  }

  /** Whether user space wrote GICD_IIDR, and so may write a GICv2's groups. */
  boolean groupsWritable() {
    return groupsWritable;
  }

  // Lines and routes.

  /** A PPI's line; the GIC is initialised. */
  void injectPrivate(VgicCpu cpu, int intid, boolean level) throws KvmException {
    VgicCpu meant = cpuWithIdAsIndex(cpu);
    if (meant == null) {
      throw NO_SUCH_INTERRUPT;
    }
    Interrupt irq = meant.own[intid];
    meant.lock();
    if (!level || !meant.wakes(irq)) {
      meant.settle();
      drive(irq, meant, level, null);
    }
    meant.unlock();
  }

  /** An SPI's line; the GIC is initialised. The kernel takes an LPI here too. */
  void injectShared(int intid, boolean level) throws KvmException {
    if (intid >= Interrupt.FIRST_LPI) {
      if (!lpis.inject(intid, level)) {
        throw NO_SUCH_INTERRUPT;
      }
      return;
    }
    Interrupt irq = spi(intid);
    if (irq == null) {
      throw NO_SUCH_INTERRUPT;
    }
    inject(irq, level, null);
  }

  @Override
  public int message(long address, int data, int device, int flags) throws KvmException {
    if (lpis.cache.deliver(address, device, data)) {
      return 1;
    }
    if (!hasIts) {
      throw NO_MESSAGES;
    }
    if ((flags & VALID_DEVICE_ID) == 0) {
      throw NO_DEVICE_ID;
    }
    if (machine.mmio().find(address) instanceof ItsRegisters doorbell) {
      return doorbell.its.message(device, data);
    }
    throw NO_DOORBELL;
  }

  @Override
  public int set(int chip, int pin, int level) {
    int intid = Interrupt.PRIVATE + pin;
    if (pin >= spiCount) {
      return -Errno.EINVAL.number();
    }
    try {
      initialiseLazily();
      injectShared(intid, level != 0);
      return 0;
    } catch (KvmException e) {
      return -e.errno().number();
    }
  }
}
