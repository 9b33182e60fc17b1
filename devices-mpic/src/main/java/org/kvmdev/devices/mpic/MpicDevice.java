package org.kvmdev.devices.mpic;

import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.AttributeDevice;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.DeviceLock;
import org.kvmdev.api.machine.InterruptController;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.MmioBus;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Vcpu;

/**
 * The device: its attributes, its vCPUs, the guest's window and the lines. The device's lock is
 * taken here and nowhere further in.
 */
final class MpicDevice extends AttributeDevice<MpicAttribute>
    implements InterruptController, MmioHandler {
  private static final int CHIP = 0;
  private static final int PINS = 256;
  private static final int REGISTER_SIZE = Integer.BYTES;
  private static final int FIRST_BYTE_SHIFT = 24;
  private static final long UNSIGNED = 0xffff_ffffL;

  private static final KvmException NOT_A_LEVEL =
      KvmException.constant(
          Errno.EINVAL, "a source's line is 0 (inactive) or 1 (active), and nothing else");
  private static final KvmException NUMBER_TAKEN =
      KvmException.constant(
          Errno.EEXIST, "another vCPU is connected with this number: choose one that is free");
  private static final KvmException VCPU_TAKEN =
      KvmException.constant(
          Errno.EBUSY, "the vCPU is connected to an interrupt controller already");

  private final Machine machine;
  private final Mpic mpic;
  private final int slot;
  private final DeviceLock lock = new DeviceLock();

  /** Guards the window; taken before the MMIO bus's lock, never together with the device's. */
  private final ReentrantLock windowLock = new ReentrantLock();

  private long base;
  private MmioBus.@Nullable Region window;

  MpicDevice(MpicModel model, Machine machine) {
    super(MpicAttribute.TABLE);
    this.machine = machine;
    this.mpic = new Mpic(model);
    this.slot = machine.slot();
  }

  /** Becomes the VM's controller; routes that were set before it are dropped. */
  void install() throws KvmException {
    machine.routing().replace(List.of());
    machine.controller(this);
  }

  @Override
  public void destroy() {
    machine.controller(null);
  }

  Machine machine() {
    return machine;
  }

  Mpic mpic() {
    return mpic;
  }

  /**
   * Connects a vCPU.
   *
   * @param vcpu one of this VM
   * @param number the CPU's number, 0 to 31
   * @throws KvmException EEXIST where the number is taken, EBUSY where the vCPU is connected
   */
  void connect(Vcpu vcpu, int number) throws KvmException {
    lock.lock();
    try {
      Cpu cpu = mpic.cpu(number);
      if (cpu.vcpu() != null) {
        throw NUMBER_TAKEN;
      }
      if (!vcpu.own(this)) {
        throw VCPU_TAKEN;
      }
      vcpu.slot(slot, cpu);
      cpu.connect(vcpu);
      mpic.connected(number);
    } finally {
      lock.unlock();
    }
  }

  /** The CPU that a vCPU is connected as, or null. */
  @Nullable Cpu connected(Vcpu vcpu) {
    return (Cpu) vcpu.slot(slot);
  }

  @Override
  protected long get(MpicAttribute attribute, long attr) throws KvmException {
    // Compared before the switch, which takes two loads to find it: a tenth of the whole request.
    if (attribute == MpicAttribute.REGISTER) {
      return getRegister(attr);
    }
    return switch (attribute) {
      case BASE_ADDR -> base();
      case REGISTER -> throw new AssertionError("compared above");
      case IRQ_ACTIVE -> getLine((int) attr);
    };
  }

  @Override
  protected void set(MpicAttribute attribute, long attr, long value) throws KvmException {
    if (attribute == MpicAttribute.REGISTER) {
      setRegister(attr, (int) value);
      return;
    }
    switch (attribute) {
      case BASE_ADDR -> setBase(value);
      case REGISTER -> throw new AssertionError("compared above");
      case IRQ_ACTIVE -> {
        if (value != 0 && value != 1) {
          throw NOT_A_LEVEL;
        }
        drive((int) attr, (int) value);
      }
    }
  }

  private long base() {
    windowLock.lock();
    try {
      return base;
    } finally {
      windowLock.unlock();
    }
  }

  private void setBase(long address) throws KvmException {
    if ((address & (Mpic.SIZE - 1)) != 0) {
      throw new KvmException(
          Errno.EINVAL, "the base address %#x is no multiple of %#x", address, Mpic.SIZE);
    }
    windowLock.lock();
    try {
      if (address == base) {
        return;
      }
      if (window != null) {
        machine.mmio().remove(window);
        window = null;
      }
      base = address;
      if (address != 0) {
        window = map(address);
      }
    } finally {
      windowLock.unlock();
    }
  }

  /** A bus without room leaves the address set and the guest without the window, as in KVM. */
  private MmioBus.@Nullable Region map(long address) {
    try {
      return machine.mmio().add(address, Mpic.SIZE, this);
    } catch (KvmException e) {
      return null;
    }
  }

  private long getRegister(long offset) throws KvmException {
    long value = Mpic.REFUSED;
    if (isAligned(offset, REGISTER_SIZE)) {
      lock.lock();
      try {
        value = mpic.read(offset, null);
      } finally {
        lock.unlock();
      }
    }
    if (value == Mpic.REFUSED) {
      throw noRegister(offset);
    }
    return value;
  }

  private void setRegister(long offset, int value) throws KvmException {
    if (!isAligned(offset, REGISTER_SIZE) || !write(offset, value, null)) {
      throw noRegister(offset);
    }
  }

  private static KvmException noRegister(long offset) {
    return new KvmException(
        Errno.ENXIO,
        "nothing can be accessed at offset %#x; registers are 4 bytes, aligned",
        offset);
  }

  /** Writes a register, and when that ended an interrupt, says so with the lock released. */
  private boolean write(long offset, int value, @Nullable Cpu current) {
    boolean done;
    int ended;
    lock.lock();
    try {
      done = mpic.write(offset, value, current);
      ended = mpic.takeEnded();
    } finally {
      lock.unlock();
    }
    // Interprocessor interrupts and timers have no pin: there is nobody to tell.
    if (ended >= 0 && ended < PINS) {
      machine.routing().acked(CHIP, ended);
    }
    return done;
  }

  boolean isPending(int source) {
    return getLine(source) != 0;
  }

  private long getLine(int source) {
    lock.lock();
    try {
      return mpic.source(source).pending() & UNSIGNED;
    } finally {
      lock.unlock();
    }
  }

  private void drive(int source, int level) {
    lock.lock();
    try {
      mpic.source(source).drive(level);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public int set(int chip, int pin, int level) {
    drive(pin, level);
    return 0;
  }

  /** The address is not looked at: there is one bank of shared message registers. */
  @Override
  public int message(long address, int data, int device, int flags) {
    lock.lock();
    try {
      mpic.message(data);
    } finally {
      lock.unlock();
    }
    return 0;
  }

  /** Lowering such a line sends the message too. */
  @Override
  public int routedMessage(long address, int data, int device, int flags, int level) {
    return message(address, data, device, flags);
  }

  /**
   * A guest's load. Bytes can be read too; other sizes are user space's to answer, after they have
   * had their effect.
   */
  @Override
  public long read(Vcpu vcpu, long offset, int size) {
    if (!isAligned(offset, size)) {
      return vcpu.decline();
    }
    Cpu current = current(vcpu);
    long value;
    lock.lock();
    try {
      value = mpic.read(offset, current);
    } finally {
      lock.unlock();
    }
    if (value == Mpic.REFUSED) {
      return vcpu.decline();
    }
    return switch (size) {
      case REGISTER_SIZE -> value;
      // A register's first byte; what is read at the others has four equal ones.
      case 1 -> value >>> FIRST_BYTE_SHIFT;
      default -> vcpu.decline();
    };
  }

  @Override
  public long write(Vcpu vcpu, long offset, int size, long value) {
    if (size == REGISTER_SIZE
        && isAligned(offset, size)
        && write(offset, (int) value, current(vcpu))) {
      return 0;
    }
    return vcpu.decline();
  }

  /** A vCPU that is not connected acts as CPU 0. */
  private Cpu current(Vcpu vcpu) {
    Cpu cpu = connected(vcpu);
    return cpu != null ? cpu : mpic.cpu(0);
  }

  private static boolean isAligned(long offset, int size) {
    return (offset & (size - 1)) == 0;
  }

  /** The vCPU takes its interrupt: in external proxy mode this acknowledges it. */
  void taken(Vcpu vcpu) {
    Cpu cpu = connected(vcpu);
    if (cpu == null) {
      return;
    }
    lock.lock();
    try {
      if (mpic.isProxyMode()) {
        cpu.proxy();
      }
    } finally {
      lock.unlock();
    }
  }

  /** The vCPU's EPR. */
  int proxyVector(Vcpu vcpu) {
    Cpu cpu = connected(vcpu);
    if (cpu == null) {
      return 0;
    }
    lock.lock();
    try {
      return cpu.proxyVector();
    } finally {
      lock.unlock();
    }
  }
}
