package org.kvmdev.devices.mpic;

/**
 * One interrupt source: its line, its vector/priority register (IVPR), its destination register
 * (IDR) and, on 4.2, its output (ILR). The external and internal interrupts are numbered as in the
 * register map; the interprocessor interrupts and the timers follow.
 */
final class Source {
  /** What kind of source; it decides which bits of IVPR there are. */
  enum Kind {
    /** Level or edge by IVPR[S]. */
    EXTERNAL,
    /** Always level; IVPR[S] reads 0. */
    INTERNAL,
    /** Always edge; IVPR has neither sense nor polarity. */
    INTERPROCESSOR,
    /** Always edge; IVPR has neither sense nor polarity. */
    TIMER
  }

  static final int FIRST_INTERNAL = 16;
  static final int FIRST_MESSAGE = 224;
  static final int FIRST_INTERPROCESSOR = 256;
  static final int FIRST_TIMER = 260;
  static final int COUNT = 264;

  /** IVPR[MSK]. */
  static final int MASKED = 0x8000_0000;

  /** IVPR[A]: the source is raised at its destinations; read-only. */
  static final int ACTIVITY = 0x4000_0000;

  /** IVPR[P]. */
  static final int POLARITY = 0x0080_0000;

  /** IVPR[S]: level-sensitive. */
  static final int SENSE = 0x0040_0000;

  private static final int PRIORITY = 0x000f_0000;
  private static final int PRIORITY_SHIFT = 16;

  /** IVPR[VECTOR], and the bits of the spurious vector register. */
  static final int VECTOR = 0x0000_ffff;

  /** The bits of IVPR that a write changes. */
  static final int IVPR_WRITABLE = MASKED | POLARITY | SENSE | PRIORITY | VECTOR;

  /** IDR[EP], kept on 2.0 without effect: there is no external pin. */
  static final int EXTERNAL_PIN = 0x8000_0000;

  /** The lowest bit number of IDR's critical destinations, less the number of CPUs. */
  private static final int CRITICAL_END = 31;

  /** ILR[INTTGT]: to the CPUs' int. */
  static final int OUTPUT_INT = 0;

  /** ILR[INTTGT]: to the CPUs' cint (critical). */
  static final int OUTPUT_CINT = 1;

  /** The bits of ILR. */
  static final int OUTPUT = 0xff;

  final int number;
  final Kind kind;
  private final Mpic mpic;

  /** The bits of IVPR that a write changes, of those that the kind has. */
  private final int writable;

  private int ivpr;
  private int idr;
  private int output;
  private boolean level;

  /** The line's level as it was driven, or 1 while an edge waits. */
  private int pending;

  /** The CPUs, by bit, that the interrupt goes to. */
  private int destinations;

  /** On 2.0, critical interrupts ignore IVPR[MSK]. */
  private boolean maskIgnored;

  Source(Mpic mpic, int number) {
    this.mpic = mpic;
    this.number = number;
    if (number < FIRST_INTERNAL) {
      kind = Kind.EXTERNAL;
    } else if (number < FIRST_INTERPROCESSOR) {
      kind = Kind.INTERNAL;
    } else if (number < FIRST_TIMER) {
      kind = Kind.INTERPROCESSOR;
    } else {
      kind = Kind.TIMER;
    }
    level = kind == Kind.INTERNAL;
    writable =
        switch (kind) {
          case EXTERNAL -> IVPR_WRITABLE;
          case INTERNAL -> IVPR_WRITABLE & ~SENSE;
          case INTERPROCESSOR, TIMER -> IVPR_WRITABLE & ~(SENSE | POLARITY);
        };
  }

  /** GCR[RST]. The line stays as it is driven, and on 4.2 the output is kept. */
  void reset() {
    ivpr = kind == Kind.INTERNAL ? MASKED | POLARITY : MASKED;
    if (kind == Kind.EXTERNAL) {
      level = false;
    }
    setIdr(1);
  }

  int ivpr() {
    return ivpr;
  }

  int idr() {
    return idr;
  }

  int ilr() {
    return output;
  }

  int pending() {
    return pending;
  }

  int priority() {
    return (ivpr & PRIORITY) >>> PRIORITY_SHIFT;
  }

  int vector() {
    return ivpr & VECTOR;
  }

  boolean isActive() {
    return (ivpr & ACTIVITY) != 0;
  }

  boolean isLevel() {
    return level;
  }

  /** Writes IVPR, and delivers or withdraws the interrupt accordingly. */
  void setIvpr(int value) {
    int before = priority();
    ivpr = ivpr & ACTIVITY | value & writable;
    if (kind == Kind.EXTERNAL) {
      level = (ivpr & SENSE) != 0;
    }
    if (priority() != before) {
      changePriority(before);
    }
    update();
  }

  /**
   * Writes IDR. What is raised already stays raised where it is; the new destinations count from
   * the next change of the line or of IVPR on.
   */
  void setIdr(int value) {
    int cpus = mpic.cpuMask();
    if (mpic.model.hasLevelRegisters()) {
      idr = value & cpus;
      destinations = idr;
      return;
    }
    int critical = criticalMask(mpic.cpuCount());
    idr = value & (cpus | critical | EXTERNAL_PIN);
    if ((idr & critical) != 0) {
      // CPU 0's critical bit is bit 30, CPU 1's is bit 29, and so on.
      destinations = Integer.reverse(idr) >>> 1 & cpus;
      output = OUTPUT_CINT;
      maskIgnored = true;
    } else {
      destinations = idr & cpus;
      output = OUTPUT_INT;
      maskIgnored = false;
    }
  }

  /** The critical destinations of IDR on 2.0; with 32 CPUs there is no room for any. */
  private static int criticalMask(int cpus) {
    return cpus == Cpu.COUNT ? 0 : (1 << cpus) - 1 << CRITICAL_END - cpus;
  }

  /** Writes ILR (4.2). */
  void setIlr(int value) {
    output = value & OUTPUT;
  }

  /**
   * Drives the line.
   *
   * @param state for a level-sensitive source its new level, kept as it is; for an edge-sensitive
   *     one anything but 0 is an edge
   */
  void drive(int state) {
    if (level) {
      pending = state;
      update();
      return;
    }
    if (state != 0) {
      pending = 1;
      update();
    }
    if (output != OUTPUT_INT) {
      // Nobody acknowledges these, so an edge that stayed would never end.
      pending = 0;
      update();
    }
  }

  /** IPIDR: sends an interprocessor interrupt to more CPUs, connected or not. */
  void dispatch(int cpus) {
    destinations |= cpus;
    drive(1);
    drive(0);
  }

  /** Delivers or withdraws the interrupt, as the line and IVPR[MSK] now say. */
  void update() {
    boolean active = pending != 0 && (maskIgnored || (ivpr & MASKED) == 0);
    if (!active && !isActive()) {
      return;
    }
    // An interrupt that was active is delivered again: a CPU's task priority may have changed.
    ivpr = active ? ivpr | ACTIVITY : ivpr & ~ACTIVITY;
    if (output != OUTPUT_INT) {
      // cint, mcp and the others have no pin at a vCPU, and neither priority nor acknowledgement.
      return;
    }
    // CPU 0 alone is a destination even while no CPU is connected.
    int remaining = destinations == 1 ? 1 : destinations & mpic.cpuMask();
    while (remaining != 0) {
      mpic.cpu(Integer.numberOfTrailingZeros(remaining)).signal(this, active);
      remaining &= remaining - 1;
    }
  }

  /** Ends an edge that a CPU has acknowledged. */
  void edgeTaken() {
    ivpr &= ~ACTIVITY;
    pending = 0;
  }

  /** An interprocessor interrupt was acknowledged by one CPU: the others have yet to get it. */
  void dispatchedTo(int cpu) {
    destinations &= ~(1 << cpu);
    if (destinations != 0) {
      drive(1);
      drive(0);
      ivpr |= ACTIVITY;
    }
  }

  /** Moves the source in the queues that it is in, also of CPUs that it does not go to any more. */
  private void changePriority(int before) {
    int now = priority();
    for (int number = 0; number < Cpu.COUNT; number++) {
      Cpu cpu = mpic.cpu(number);
      cpu.raised.move(this.number, before, now);
      cpu.inService.move(this.number, before, now);
    }
  }
}
