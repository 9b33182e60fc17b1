package org.kvmdev.testkit.conformance;

import org.kvmdev.api.AttributeDevice;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.InterruptController;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.MmioBus;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Vcpu;

/**
 * The reference device but for its end: a number, a label and cells, which clients set, guests load
 * and store, and lines trigger.
 */
abstract class LatchCore extends AttributeDevice<LatchAttribute>
    implements InterruptController, MmioHandler {
  static final long BASE = 0x1000_0000L;
  static final int BYTES = 0x100;
  static final int WIDTH = 16;
  static final int CELLS = 8;

  private static final int CELLS_AT = 0x10;
  private static final KvmException TOO_HIGH =
      KvmException.constant(Errno.EINVAL, "the latch has 16 bits");

  final Machine machine;
  private final MmioBus.Region region;
  private final int[] cells = new int[CELLS];
  private final byte[] label = new byte[16];
  private long value;

  LatchCore(Machine machine) throws KvmException {
    super(LatchAttribute.TABLE);
    this.machine = machine;
    region = machine.mmio().add(BASE, BYTES, this);
    machine.controller(this);
  }

  /** Takes the device out of its VM. */
  final void leave(DeviceOps device) {
    machine.mmio().remove(region);
    machine.controller(null);
    LatchProvider.Latches.of(machine).all().remove(device);
  }

  synchronized long value() {
    return value;
  }

  synchronized void value(long to) {
    value = to;
  }

  synchronized int cell(int index) {
    return cells[index];
  }

  synchronized void cell(int index, int to) {
    cells[index] = to;
  }

  @Override
  protected synchronized long get(LatchAttribute attribute, long attr) {
    return switch (attribute) {
      case VALUE -> value;
      case WIDTH -> WIDTH;
      case CELL -> cells[(int) attr];
      case CLEAR, LABEL, TRIGGER -> throw new AssertionError(attribute);
    };
  }

  @Override
  protected synchronized void get(LatchAttribute attribute, long attr, byte[] data) {
    System.arraycopy(label, 0, data, 0, label.length);
  }

  @Override
  protected synchronized void set(LatchAttribute attribute, long attr, long to)
      throws KvmException {
    switch (attribute) {
      case VALUE -> value = to;
      case CLEAR -> value = 0;
      case TRIGGER -> {
        if (to >= WIDTH) {
          throw TOO_HIGH;
        }
        value |= 1L << to;
      }
      case CELL -> cells[(int) attr] = (int) to;
      case WIDTH, LABEL -> throw new AssertionError(attribute);
    }
  }

  @Override
  protected synchronized void set(LatchAttribute attribute, long attr, byte[] data) {
    System.arraycopy(data, 0, label, 0, label.length);
  }

  @Override
  public synchronized int set(int chip, int pin, int level) {
    return line(pin, level);
  }

  @Override
  public boolean numbersLines() {
    return true;
  }

  @Override
  public synchronized int line(int number, int level) {
    int bit = number & WIDTH - 1;
    value = level == 0 ? value & ~(1L << bit) : value | 1L << bit;
    return 1;
  }

  @Override
  public synchronized int message(long address, int data, int device, int flags) {
    value |= 1L << (data & WIDTH - 1);
    return 1;
  }

  @Override
  public synchronized long read(Vcpu vcpu, long offset, int size) {
    if (offset == 0 && size == 8) {
      return value;
    }
    int cell = (int) (offset - CELLS_AT) >> 2;
    return size == 4 && (offset & 3) == 0 && cell >= 0 && cell < CELLS
        ? cells[cell]
        : vcpu.decline();
  }

  @Override
  public synchronized long write(Vcpu vcpu, long offset, int size, long to) {
    int cell = (int) (offset - CELLS_AT) >> 2;
    if (offset == 0 && size == 8) {
      value = to;
    } else if (size == 4 && (offset & 3) == 0 && cell >= 0 && cell < CELLS) {
      cells[cell] = (int) to;
    } else {
      return vcpu.decline();
    }
    return 0;
  }
}
