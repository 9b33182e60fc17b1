package com.example.uart;

import org.kvmdev.api.AttributeDevice;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.DeviceLock;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.MmioBus;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Vcpu;

/**
 * The UART in a VM: its attributes, its place on the bus, its line.
 *
 * <p>Two locks: {@code placing} for where it is, taken before the bus's own; {@code lock} for the
 * UART itself, taken after it, and held while the line is driven, so that the line's last change is
 * the latest.
 */
final class UartDevice extends AttributeDevice<UartAttribute> implements MmioHandler {
  private static final int WINDOW = 8;
  private static final int NO_LINE = -1;

  private static final KvmException NOTHING_SENT =
      KvmException.constant(Errno.EAGAIN, "the guest has sent nothing more");
  private static final KvmException NOT_A_LATCH =
      KvmException.constant(Errno.EINVAL, "LATCHES has bit 0 alone: 0 or 1");

  private final Machine machine;
  private final Object placing = new Object();
  private final DeviceLock lock = new DeviceLock();
  private final Uart uart = new Uart();

  // Guarded by placing.
  private long base;
  private MmioBus.Region window;

  // Guarded by lock.
  private int line = NO_LINE;
  private boolean raised;

  UartDevice(Machine machine) {
    super(UartAttribute.TABLE);
    this.machine = machine;
  }

  /** Called once the last reference is gone: leaves nothing in the VM. */
  @Override
  public void release() {
    synchronized (placing) {
      unmap();
    }
    lock.lock();
    try {
      drive(false);
    } finally {
      lock.unlock();
    }
    UartFamily.of(machine).remove(this);
  }

  @Override
  protected long get(UartAttribute attribute, long attr) throws KvmException {
    if (attribute == UartAttribute.BASE_ADDR) {
      synchronized (placing) {
        return base;
      }
    }
    lock.lock();
    try {
      return switch (attribute) {
        case LINE -> line;
        case TRANSMIT -> transmit();
        case MODEM -> uart.modem();
        case REGISTER -> uart.get(UartRegister.MAP.at(attr));
        case LATCHES -> uart.isThrEmptyLatched() ? 1 : 0;
        case BASE_ADDR, RECEIVE, RECEIVE_FIFO, TRANSMIT_FIFO -> throw new AssertionError(attribute);
      };
    } finally {
      lock.unlock();
    }
  }

  private long transmit() throws KvmException {
    if (!uart.hasToSend()) {
      throw NOTHING_SENT;
    }
    long value = uart.sent();
    update();
    return value;
  }

  @Override
  protected void set(UartAttribute attribute, long attr, long value) throws KvmException {
    if (attribute == UartAttribute.BASE_ADDR) {
      place(value);
      return;
    }
    lock.lock();
    try {
      switch (attribute) {
        case LINE -> {
          drive(false);
          line = (int) value;
        }
        case RECEIVE -> uart.receive((int) value);
        case MODEM -> uart.modem((int) value);
        case REGISTER -> uart.set(UartRegister.MAP.at(attr), (int) value);
        case LATCHES -> {
          if (value > 1) {
            throw NOT_A_LATCH;
          }
          uart.latchThrEmpty(value == 1);
        }
        case BASE_ADDR, TRANSMIT, RECEIVE_FIFO, TRANSMIT_FIFO ->
            throw new AssertionError(attribute);
      }
      update();
    } finally {
      lock.unlock();
    }
  }

  @Override
  protected void get(UartAttribute attribute, long attr, byte[] data) {
    lock.lock();
    try {
      fifo(attribute).save(data);
    } finally {
      lock.unlock();
    }
  }

  @Override
  protected void set(UartAttribute attribute, long attr, byte[] data) throws KvmException {
    lock.lock();
    try {
      int count = data[0] & 0xff;
      if (count > uart.depth()) {
        throw new KvmException(
            Errno.EINVAL, "a FIFO of %d bytes: FCR allows %d", count, uart.depth());
      }
      fifo(attribute).restore(data);
      update();
    } finally {
      lock.unlock();
    }
  }

  private Fifo fifo(UartAttribute attribute) {
    return attribute == UartAttribute.RECEIVE_FIFO ? uart.received() : uart.transmitted();
  }

  private void place(long address) throws KvmException {
    if (address % WINDOW != 0) {
      throw new KvmException(
          Errno.EINVAL, "the base address %#x is no multiple of %d", address, WINDOW);
    }
    synchronized (placing) {
      if (address == base) {
        return;
      }
      MmioBus.Region next = address == 0 ? null : machine.mmio().add(address, WINDOW, this);
      unmap();
      base = address;
      window = next;
    }
  }

  private void unmap() {
    if (window != null) {
      machine.mmio().remove(window);
      window = null;
    }
  }

  /** Registers are bytes: other sizes are user space's to answer. */
  @Override
  public long read(Vcpu vcpu, long offset, int size) {
    if (size != 1) {
      return vcpu.decline();
    }
    lock.lock();
    try {
      int value = uart.read((int) offset);
      update();
      return value;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long write(Vcpu vcpu, long offset, int size, long value) {
    if (size != 1) {
      return vcpu.decline();
    }
    lock.lock();
    try {
      uart.write((int) offset, (int) value & 0xff);
      update();
      return 0;
    } finally {
      lock.unlock();
    }
  }

  private void update() {
    drive(uart.interrupts());
  }

  private void drive(boolean high) {
    if (high == raised) {
      return;
    }
    raised = high;
    if (line != NO_LINE) {
      try {
        machine.irqLine(line, high ? 1 : 0);
      } catch (KvmException nothingThere) {
        // No controller, or none with such a line: as a pin that nothing is soldered to.
      }
    }
  }
}
