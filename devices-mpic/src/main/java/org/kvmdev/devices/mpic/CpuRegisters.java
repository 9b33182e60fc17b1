package org.kvmdev.devices.mpic;

/**
 * The per-CPU registers: each CPU's page, and the private window of the CPU that makes the access.
 */
final class CpuRegisters {
  private final Mpic mpic;

  CpuRegisters(Mpic mpic) {
    this.mpic = mpic;
  }

  int read(int offset) {
    return read(offset, owner(offset));
  }

  void write(int offset, int value) {
    write(offset, value, owner(offset));
  }

  int read(int offset, Cpu cpu) {
    CpuRegister register = CpuRegister.MAP.at(offset);
    if (register == null) {
      return -1;
    }
    return switch (register) {
      case IPIDR0, IPIDR1, IPIDR2, IPIDR3 -> -1;
      case CTPR -> cpu.taskPriority();
      case WHOAMI -> cpu.number;
      case IACK -> cpu.acknowledge();
      case EOI -> 0;
    };
  }

  void write(int offset, int value, Cpu cpu) {
    CpuRegister register = CpuRegister.MAP.at(offset);
    if (register == null) {
      return;
    }
    switch (register) {
      case IPIDR0 -> interprocessor(0).dispatch(value);
      case IPIDR1 -> interprocessor(1).dispatch(value);
      case IPIDR2 -> interprocessor(2).dispatch(value);
      case IPIDR3 -> interprocessor(3).dispatch(value);
      case CTPR -> cpu.setTaskPriority(value);
      case WHOAMI, IACK -> {
        // Read-only.
      }
      case EOI -> mpic.ended(cpu.endOfInterrupt());
    }
  }

  private Cpu owner(int offset) {
    return mpic.cpu(offset - CpuRegister.BEGIN >> CpuRegister.PAGE_SHIFT);
  }

  private Source interprocessor(int number) {
    return mpic.source(Source.FIRST_INTERPROCESSOR + number);
  }
}
