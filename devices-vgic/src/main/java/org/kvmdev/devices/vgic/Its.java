package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.AttributeDevice;
import org.kvmdev.api.Completeness;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/**
 * The device KVM_DEV_TYPE_ARM_VGIC_ITS: an interrupt translation service, which turns the messages
 * of devices into LPIs. A VM can have several, with a GICv3 or before it has one. IHI 0069, chapter
 * 5.
 */
final class Its extends AttributeDevice<ItsAttribute> {
  /** The type. */
  static final DeviceType TYPE =
      DeviceType.of(
              8,
              "KVM_DEV_TYPE_ARM_VGIC_ITS",
              "kvm-arm-vgic-its",
              "Arm's Interrupt Translation Service: messages (MSIs) for a GICv3.")
          .state(Completeness.COMPLETE)
          .attributes(ItsAttribute.TABLE)
          .source("Documentation/virt/kvm/devices/arm-vgic-its.rst; IHI 0069")
          .build();

  /** What a message does where there is no mapping: it is swallowed. */
  private static final int SWALLOWED = 0;

  private static final int DELIVERED = 1;
  private static final long FIRST_DOUBLE = 0x8;
  private static final long LAST_DOUBLE = 0xffcf;

  private static final KvmException DISABLED =
      KvmException.constant(
          Errno.EBUSY, "the ITS, or the redistributor's LPIs, are disabled by the guest");
  private static final KvmException NO_ADDRESS =
      KvmException.constant(Errno.ENXIO, "the ITS has no address: set ADDR first");
  private static final KvmException NO_REGISTER =
      KvmException.constant(Errno.ENXIO, "the ITS has no register at this offset");
  private static final KvmException MISALIGNED =
      KvmException.constant(
          Errno.EINVAL,
          "an ITS's registers are at multiples of 8, or of 4 where they have 32 bits");

  final ItsMappings mappings;
  final ItsTable deviceTable;
  final ItsTable collectionTable;
  final CommandQueue commands;

  /** GITS_CTLR.Enabled. */
  boolean enabled;

  private final Vgic vgic;
  private final ItsRegisters registers;
  private final ItsTables tables;
  private volatile long address = AddressMap.UNSET;

  Its(Vgic vgic) {
    super(ItsAttribute.TABLE);
    this.vgic = vgic;
    mappings = new ItsMappings(vgic.lpis);
    deviceTable = new ItsTable(vgic.machine.memory(), ItsTable.DEVICES, true);
    collectionTable = new ItsTable(vgic.machine.memory(), ItsTable.COLLECTIONS, false);
    commands = new CommandQueue(vgic, this);
    registers = new ItsRegisters(vgic, this);
    tables = new ItsTables(vgic, this);
  }

  /** Where its frames are; {@link AddressMap#UNSET} before. */
  long address() {
    return address;
  }

  /** Whether anything is mapped, which the tables in guest memory are to hold. */
  boolean isMapped() {
    synchronized (vgic.lpis) {
      return !mappings.devices.isEmpty() || !mappings.collections.isEmpty();
    }
  }

  @Override
  public void destroy() {
    vgic.itss.remove(this);
    synchronized (vgic.lpis) {
      mappings.removeDevices();
      mappings.removeCollections();
    }
  }

  // Messages.

  /** A message, from user space. */
  int message(int device, int event) throws KvmException {
    synchronized (vgic.lpis) {
      return trigger(device, event);
    }
  }

  /** The command INT. */
  void interrupt(int device, int event) {
    try {
      trigger(device, event);
    } catch (KvmException e) {
      // The guest disabled what it asks for: nothing happens.
    }
  }

  private int trigger(int device, int event) throws KvmException {
    if (!enabled) {
      throw DISABLED;
    }
    ItsMappings.Event mapped = mappings.find(device, event);
    if (mapped == null || mapped.lpi == null) {
      return SWALLOWED;
    }
    VgicCpu target = target(mapped.collection);
    if (target == null) {
      return SWALLOWED;
    }
    if (!target.redistributor.lpisEnabled()) {
      throw DISABLED;
    }
    vgic.lpis.cache.add(address + ItsRegisters.TRANSLATER, device, event, mapped.lpi);
    vgic.inject(mapped.lpi.irq, true, null);
    return DELIVERED;
  }

  /** The vCPU of a collection; null where it goes nowhere. */
  @Nullable VgicCpu target(ItsMappings.Collection collection) {
    int index = collection.target;
    return collection.removed || index < 0 || index >= vgic.cpuCount() ? null : vgic.cpu(index);
  }

  /** Whether a device's table has room for an event, which is 32 bits without a sign. */
  boolean hasEvent(ItsMappings.Device device, int event) {
    return event >= 0
        && event < 1 << device.eventBits
        && vgic.machine.memory().isMapped(device.table + (long) event * ItsTable.ENTRY);
  }

  // The control register.

  /** GITS_CTLR is written. */
  void enable(boolean on) {
    if (on
        && !enabled
        && !(deviceTable.isValid() && collectionTable.isValid() && commands.isValid())) {
      return;
    }
    enabled = on;
    if (!on) {
      vgic.lpis.cache.clear();
    }
    commands.run();
  }

  private void reset() {
    deviceTable.invalidate();
    collectionTable.invalidate();
    commands.place(0);
    enabled = false;
    mappings.removeDevices();
    mappings.removeCollections();
  }

  // Attributes.

  private static void checkAligned(long offset) throws KvmException {
    boolean isDouble =
        Long.compareUnsigned(offset, FIRST_DOUBLE) >= 0
            && Long.compareUnsigned(offset, LAST_DOUBLE) <= 0;
    if ((offset & (isDouble ? 7 : 3)) != 0) {
      throw MISALIGNED;
    }
  }

  /** The register at an offset, of which 32 bits count. */
  private static ItsRegister register(int offset) throws KvmException {
    ItsRegister register = ItsRegister.MAP.at(Integer.toUnsignedLong(offset));
    if (register == null) {
      throw NO_REGISTER;
    }
    return register;
  }

  @Override
  protected void has(ItsAttribute attribute, long attr) throws KvmException {
    if (attribute == ItsAttribute.REGISTER) {
      checkAligned(attr);
      register((int) attr);
    }
  }

  @Override
  protected long get(ItsAttribute attribute, long attr) throws KvmException {
    return attribute == ItsAttribute.ADDRESS ? address : access(attr, false, 0);
  }

  @Override
  protected void set(ItsAttribute attribute, long attr, long value) throws KvmException {
    switch (attribute) {
      case ADDRESS -> place(value);
      case INIT -> {}
      case SAVE_TABLES -> stopped(tables::save);
      case RESTORE_TABLES -> stopped(tables::restore);
      case RESET -> stopped(this::reset);
      case REGISTER -> access(attr, true, value);
    }
  }

  private void place(long value) throws KvmException {
    synchronized (vgic.lpis) {
      vgic.addresses.check(address, value, AddressMap.V3_ALIGNMENT, ItsRegisters.SIZE);
      address = value;
    }
    vgic.machine.mmio().add(value, ItsRegisters.SIZE, registers);
  }

  /** Reads or writes a register, while no vCPU runs. */
  private long access(long offset, boolean write, long value) throws KvmException {
    checkAligned(offset);
    vgic.machine.quiesce();
    try {
      if (address == AddressMap.UNSET) {
        throw NO_ADDRESS;
      }
      ItsRegister register = register((int) offset);
      long at = Integer.toUnsignedLong((int) offset);
      synchronized (vgic.lpis) {
        if (write) {
          registers.userWrite(register, at, value);
          return value;
        }
        return registers.userRead(register, at);
      }
    } finally {
      vgic.machine.resume();
    }
  }

  /** What is done with the ITS while no vCPU runs. */
  @FunctionalInterface
  private interface Action {
    void run() throws KvmException;
  }

  private void stopped(Action action) throws KvmException {
    vgic.machine.quiesce();
    try {
      synchronized (vgic.lpis) {
        action.run();
      }
    } finally {
      vgic.machine.resume();
    }
  }
}
