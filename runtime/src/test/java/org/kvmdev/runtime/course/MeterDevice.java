package org.kvmdev.runtime.course;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.AttributeDevice;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.DeviceLock;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.MmioBus;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Vcpu;

/** The device of the package page's course. */
final class MeterDevice extends AttributeDevice<MeterAttribute> implements MmioHandler {
  private static final int WINDOW = 16;

  private static final KvmException UNALIGNED =
      KvmException.constant(Errno.ENXIO, "registers are 4 bytes, aligned");

  private final Machine machine;
  private final DeviceLock lock = new DeviceLock();
  private final Object placing = new Object();
  private MmioBus.@Nullable Region window;
  private int count;
  private int limit = (int) MeterRegister.MAP.reset(MeterRegister.LIMIT);
  private int line;
  private boolean raised;

  MeterDevice(Machine machine) {
    super(MeterAttribute.TABLE);
    this.machine = machine;
  }

  // @start region="accessors"
  @Override
  protected void has(MeterAttribute attribute, long attr) throws KvmException {
    if (attribute == MeterAttribute.REGISTER && attr % 4 != 0) {
      throw UNALIGNED;
    }
  }

  @Override
  protected long get(MeterAttribute attribute, long attr) throws KvmException {
    has(attribute, attr);
    if (attribute == MeterAttribute.BASE_ADDR) {
      return base();
    }
    lock.lock();
    try {
      return switch (attribute) {
        case LINE -> line;
        case REGISTER -> read(MeterRegister.MAP.at(attr));
        case BASE_ADDR -> throw new AssertionError();
      };
    } finally {
      lock.unlock();
    }
  }

  @Override
  protected void set(MeterAttribute attribute, long attr, long value) throws KvmException {
    has(attribute, attr);
    if (attribute == MeterAttribute.BASE_ADDR) {
      place(value);
      return;
    }
    lock.lock();
    try {
      switch (attribute) {
        case LINE -> line = (int) value;
        case REGISTER -> write(MeterRegister.MAP.at(attr), (int) value);
        case BASE_ADDR -> throw new AssertionError();
      }
    } finally {
      lock.unlock();
    }
  }

  // @end

  // @start region="registers"
  private int read(MeterRegister register) {
    return switch (register) {
      case COUNT -> count;
      case LIMIT -> limit;
    };
  }

  private void write(MeterRegister register, int value) {
    switch (register) {
      case COUNT -> count = value;
      case LIMIT -> limit = value;
    }
    drive(Integer.compareUnsigned(count, limit) >= 0);
  }

  // @end

  // @start region="guest"
  @Override
  public long read(Vcpu vcpu, long offset, int size) {
    MeterRegister register = MeterRegister.MAP.at(offset);
    if (size != 4 || offset % 4 != 0 || register == null) {
      return vcpu.decline(); // to the next region, then to user space
    }
    lock.lock();
    try {
      return read(register);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long write(Vcpu vcpu, long offset, int size, long value) {
    MeterRegister register = MeterRegister.MAP.at(offset);
    if (size != 4 || offset % 4 != 0 || register == null) {
      return vcpu.decline();
    }
    lock.lock();
    try {
      write(register, (int) value);
      return 0;
    } finally {
      lock.unlock();
    }
  }

  // @end

  // @start region="line"
  private void drive(boolean high) {
    if (high == raised) {
      return;
    }
    raised = high;
    try {
      machine.irqLine(line, high ? 1 : 0); // with the lock held: the last change is the latest
    } catch (KvmException nothingThere) {
      // No controller, or none with such a line: as a pin that nothing is soldered to.
    }
  }

  // @end

  private long base() {
    synchronized (placing) {
      return window == null ? 0 : window.base();
    }
  }

  // @start region="place"
  private void place(long address) throws KvmException {
    if (address % WINDOW != 0) {
      throw new KvmException(
          Errno.EINVAL, "the base address %#x is no multiple of %d", address, WINDOW);
    }
    synchronized (placing) { // before the bus's lock; the device's comes after that
      MmioBus.Region next = address == 0 ? null : machine.mmio().add(address, WINDOW, this);
      if (window != null) {
        machine.mmio().remove(window);
      }
      window = next;
    }
  }

  // @end

  // @start region="end"
  @Override
  public void destroy() {
    MeterFamily.of(machine).meter = null;
  }
  // @end
}
