package org.kvmdev.devices.mpic;

import org.jspecify.annotations.Nullable;

/**
 * The interrupt controller: its parts, and which of them answers at an offset. Whoever calls holds
 * the device's lock.
 */
final class Mpic {
  /** What {@link #read} answers where nothing does, or where it is user space's to answer. */
  static final long REFUSED = -1;

  /** What registers that are not there, and bits that have no meaning, read as. */
  static final long ALL_ONES = 0xffff_ffffL;

  /** Apart from the sources', registers are 16 bytes apart; what is between them is reserved. */
  private static final int REGISTER_SPACING_MASK = 0xf;

  /** The offsets of the whole: from 0 to below this. */
  static final int SIZE = 0x40000;

  private static final long UNSIGNED = 0xffff_ffffL;

  final MpicModel model;
  private final Source[] sources = new Source[Source.COUNT];
  private final Cpu[] cpus = new Cpu[Cpu.COUNT];
  private final GlobalRegisters global;
  private final TimerRegisters timers;
  private final MessageRegisters messages;
  private final SourceRegisters sourceRegisters;
  private final CpuRegisters cpuRegisters;

  private int cpuCount;
  private int ended = Cpu.NONE;

  Mpic(MpicModel model) {
    this.model = model;
    for (int number = 0; number < sources.length; number++) {
      sources[number] = new Source(this, number);
    }
    for (int number = 0; number < cpus.length; number++) {
      cpus[number] = new Cpu(this, number);
    }
    cpuRegisters = new CpuRegisters(this);
    global = new GlobalRegisters(this);
    timers = new TimerRegisters(this);
    messages = new MessageRegisters(this);
    sourceRegisters = new SourceRegisters(model, sources);
    reset();
  }

  /**
   * GCR[RST]. What is kept: the lines as they are driven, the MSIRs, ILR, and pins that are
   * asserted.
   */
  void reset() {
    global.reset();
    timers.reset();
    for (Source source : sources) {
      source.reset();
    }
    for (Cpu cpu : cpus) {
      cpu.reset();
    }
  }

  Source source(int number) {
    return sources[number];
  }

  Cpu cpu(int number) {
    return cpus[number];
  }

  /** One more than the highest number of a connected CPU. */
  int cpuCount() {
    return cpuCount;
  }

  /** A bit for each CPU below {@link #cpuCount}. */
  int cpuMask() {
    return cpuCount == Cpu.COUNT ? -1 : (1 << cpuCount) - 1;
  }

  /** There is a CPU of this number from now on. */
  void connected(int number) {
    cpuCount = Math.max(cpuCount, number + 1);
  }

  int spuriousVector() {
    return global.spuriousVector();
  }

  boolean isProxyMode() {
    return global.isProxyMode();
  }

  /** A shared message signaled interrupt, as written to MSIIR. */
  void message(int data) {
    messages.index(data);
  }

  /** A CPU has ended a source's interrupt. */
  void ended(int source) {
    ended = source;
  }

  /** Which source's interrupt was ended since this was last asked, or {@link Cpu#NONE}. */
  int takeEnded() {
    int source = ended;
    if (source != Cpu.NONE) {
      ended = Cpu.NONE;
    }
    return source;
  }

  /**
   * Reads 4 bytes.
   *
   * @param offset from the controller's begin; any number
   * @param current the CPU that reads; null where none does
   * @return the value, zero-extended, or {@link #REFUSED}
   */
  long read(long offset, @Nullable Cpu current) {
    if (offset < 0 || offset >= CpuRegister.END) {
      return REFUSED;
    }
    int at = (int) offset;
    if (current != null && isPrivate(at)) {
      return cpuRegisters.read(CpuRegister.BEGIN + at, current) & UNSIGNED;
    }
    if (at >= CpuRegister.BEGIN) {
      return isReserved(at) ? ALL_ONES : cpuRegisters.read(at) & UNSIGNED;
    }
    if (at < GlobalRegister.END) {
      return isReserved(at) ? ALL_ONES : global.read(at) & UNSIGNED;
    }
    if (at < TimerRegister.END) {
      return isReserved(at) ? ALL_ONES : timers.read(at) & UNSIGNED;
    }
    if (at >= SourceRegister.BEGIN && at < SourceRegister.END) {
      return sourceRegisters.read(at) & UNSIGNED;
    }
    if (at >= MessageRegister.BEGIN && at < MessageRegister.END) {
      return isReserved(at) ? REFUSED : messages.read(at) & UNSIGNED;
    }
    if (at >= SummaryRegister.BEGIN && at < SummaryRegister.END) {
      return 0;
    }
    return REFUSED;
  }

  /**
   * Writes 4 bytes.
   *
   * @param offset from the controller's begin; any number
   * @param value what is written
   * @param current the CPU that writes; null where none does
   * @return false where nothing is, or where it is user space's to do
   */
  boolean write(long offset, int value, @Nullable Cpu current) {
    if (offset < 0 || offset >= CpuRegister.END) {
      return false;
    }
    int at = (int) offset;
    if (current != null && isPrivate(at)) {
      cpuRegisters.write(CpuRegister.BEGIN + at, value, current);
      return true;
    }
    if (at >= CpuRegister.BEGIN) {
      if (!isReserved(at)) {
        cpuRegisters.write(at, value);
      }
      return true;
    }
    if (at < GlobalRegister.END) {
      return isReserved(at) || global.write(at, value);
    }
    if (at < TimerRegister.END) {
      if (!isReserved(at)) {
        timers.write(at, value);
      }
      return true;
    }
    if (at >= SourceRegister.BEGIN && at < SourceRegister.END) {
      sourceRegisters.write(at, value);
      return true;
    }
    if (at >= MessageRegister.BEGIN && at < MessageRegister.END) {
      messages.write(at, value);
      return true;
    }
    return at >= SummaryRegister.BEGIN && at < SummaryRegister.END;
  }

  /** Whether an offset is a register of the window in which each CPU sees its own. */
  private static boolean isPrivate(int offset) {
    return offset >= CpuRegister.FIRST && offset <= CpuRegister.LAST && !isReserved(offset);
  }

  private static boolean isReserved(int offset) {
    return (offset & REGISTER_SPACING_MASK) != 0;
  }
}
