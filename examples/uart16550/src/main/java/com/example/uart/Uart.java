package com.example.uart;

/**
 * A PC16550D: its registers, its two FIFOs, and when it interrupts. Section numbers are of its data
 * sheet (TI SNLS378).
 *
 * <p>There is no clock in it. A byte is sent when whoever is the wire takes it, and characters that
 * stay below the receiver's trigger time out at once. Parity, framing errors and breaks do not
 * happen on this wire; the DMA pins are not there.
 */
final class Uart {
  // Interrupt enable and line status, 8.7 and 8.4.
  private static final int RECEIVED = 1;
  private static final int THR_EMPTY = 1 << 1;
  private static final int LINE_STATUS = 1 << 2;
  private static final int MODEM_STATUS = 1 << 3;
  private static final int OVERRUN = 1 << 1;
  private static final int DATA_READY = 1;
  private static final int TRANSMITTER_EMPTY = 3 << 5;

  // FIFO control, 8.5.
  private static final int FIFOS = 1;
  private static final int CLEAR_RECEIVER = 1 << 1;
  private static final int CLEAR_TRANSMITTER = 1 << 2;
  private static final int[] TRIGGERS = {1, 4, 8, 14};

  // Interrupt identification, 8.6, by falling priority.
  private static final int IS_LINE_STATUS = 0x6;
  private static final int IS_RECEIVED = 0x4;
  private static final int IS_TIMEOUT = 0xc;
  private static final int IS_THR_EMPTY = 0x2;
  private static final int IS_MODEM_STATUS = 0x0;
  private static final int IS_NONE = 0x1;
  private static final int FIFOS_ARE_ON = 0xc0;

  private static final int DIVISOR_LATCH = 1 << 7;
  private static final int LOOP = 1 << 4;
  private static final int LINES = 0xf0;
  private static final int CHANGES = 0x0f;
  private static final int RING = 1 << 6;

  private final Fifo received = new Fifo();
  private final Fifo transmitted = new Fifo();
  private int ier;
  private int fcr;
  private int lcr;
  private int mcr;
  private int scr;
  private int divisor;
  private int changes;
  private int modem;
  private boolean overrun;
  private boolean thrBecameEmpty;

  /** A guest's read of an offset from 0 to 7. */
  int read(int offset) {
    return switch (offset) {
      case 0 -> isLatchOpen() ? divisor & 0xff : take();
      case 1 -> isLatchOpen() ? divisor >> 8 : ier;
      case 2 -> identify();
      case 3 -> lcr;
      case 4 -> mcr;
      case 5 -> {
        int status = lineStatus();
        overrun = false;
        yield status;
      }
      case 6 -> {
        int status = modemStatus();
        changes = 0;
        yield status;
      }
      case 7 -> scr;
      default -> throw new IllegalArgumentException("offset " + offset);
    };
  }

  /** A guest's write at an offset from 0 to 7. */
  void write(int offset, int value) {
    switch (offset) {
      case 0 -> {
        if (isLatchOpen()) {
          divisor = divisor & 0xff00 | value;
        } else {
          send(value);
        }
      }
      case 1 -> {
        if (isLatchOpen()) {
          divisor = value << 8 | divisor & 0xff;
        } else {
          // Enabled while THR is empty, the interrupt comes at once.
          thrBecameEmpty |= (value & ~ier & THR_EMPTY) != 0 && transmitted.isEmpty();
          ier = value & 0x0f;
        }
      }
      case 2 -> control(value);
      case 3 -> lcr = value;
      case 4 -> {
        int before = lines();
        mcr = value & 0x1f;
        note(before);
      }
      case 5, 6 -> {
        // Line and modem status are for reading (the data sheet's note to writing them: factory
        // test).
      }
      case 7 -> scr = value;
      default -> throw new IllegalArgumentException("offset " + offset);
    }
  }

  /** Whether the interrupt is asserted. */
  boolean interrupts() {
    return source() != IS_NONE;
  }

  /** A byte arrives on the wire, which is cut while the UART loops back. */
  void receive(int value) {
    if ((mcr & LOOP) == 0) {
      accept(value);
    }
  }

  private void accept(int value) {
    if (received.count() < depth()) {
      received.put(value);
    } else {
      overrun = true;
    }
  }

  boolean hasToSend() {
    return !transmitted.isEmpty();
  }

  /** The wire takes the oldest byte; there is one. */
  int sent() {
    int value = transmitted.take();
    thrBecameEmpty |= transmitted.isEmpty();
    return value;
  }

  /** The modem's lines, in the bits of MSR. */
  int modem() {
    return modem;
  }

  void modem(int lines) {
    int before = lines();
    modem = lines & LINES;
    note(before);
  }

  // What registers do not show.

  boolean isThrEmptyLatched() {
    return thrBecameEmpty;
  }

  void latchThrEmpty(boolean latched) {
    thrBecameEmpty = latched;
  }

  Fifo received() {
    return received;
  }

  Fifo transmitted() {
    return transmitted;
  }

  /** How many bytes each FIFO holds: one where they are off. */
  int depth() {
    return (fcr & FIFOS) == 0 ? 1 : Fifo.SIZE;
  }

  /** A register as it is, with no side effect. */
  int get(UartRegister register) {
    return switch (register) {
      case RBR -> throw new IllegalArgumentException("the guest's alone");
      case IER -> ier;
      case FCR -> fcr;
      case LCR -> lcr;
      case MCR -> mcr;
      case LSR -> lineStatus();
      case MSR -> modemStatus();
      case SCR -> scr;
      case DLL -> divisor & 0xff;
      case DLM -> divisor >> 8;
    };
  }

  /** Makes a register what it was, with no side effect; what follows from others is ignored. */
  void set(UartRegister register, int value) {
    int written = value & (int) register.spec().writable();
    switch (register) {
      case RBR -> throw new IllegalArgumentException("the guest's alone");
      case IER -> ier = written;
      case FCR -> fcr = written;
      case LCR -> lcr = written;
      case MCR -> mcr = written;
      case LSR -> overrun = written != 0;
      case MSR -> changes = written;
      case SCR -> scr = written;
      case DLL -> divisor = divisor & 0xff00 | written & 0xff;
      case DLM -> divisor = (written & 0xff) << 8 | divisor & 0xff;
    }
  }

  private boolean isLatchOpen() {
    return (lcr & DIVISOR_LATCH) != 0;
  }

  private int take() {
    return received.isEmpty() ? 0 : received.take();
  }

  private void send(int value) {
    thrBecameEmpty = false;
    if ((mcr & LOOP) != 0) {
      accept(value);
      thrBecameEmpty = true;
    } else if (transmitted.count() < depth()) {
      transmitted.put(value);
    }
    // What does not fit is lost: a driver looks at LSR first.
  }

  private void control(int value) {
    boolean switched = ((value ^ fcr) & FIFOS) != 0;
    if (switched || (value & CLEAR_RECEIVER) != 0) {
      received.clear();
    }
    if ((switched || (value & CLEAR_TRANSMITTER) != 0) && !transmitted.isEmpty()) {
      transmitted.clear();
      thrBecameEmpty = true;
    }
    // The other bits are written with the FIFOs on alone.
    fcr = (value & FIFOS) == 0 ? 0 : value & 0xc9;
  }

  private int lineStatus() {
    return (received.isEmpty() ? 0 : DATA_READY)
        | (overrun ? OVERRUN : 0)
        | (transmitted.isEmpty() ? TRANSMITTER_EMPTY : 0);
  }

  private int modemStatus() {
    return lines() | changes;
  }

  /** CTS, DSR, RI and DCD: the modem's; looped back, RTS, DTR, OUT1 and OUT2 (8.8). */
  private int lines() {
    if ((mcr & LOOP) == 0) {
      return modem;
    }
    return (mcr & 1) << 5 | (mcr & 2) << 3 | (mcr & 0xc) << 4;
  }

  /** Notes what has changed since; RI counts where it ends (8.9). */
  private void note(int before) {
    int changed = before ^ lines();
    changed &= ~RING | before;
    changes |= changed >> 4 & CHANGES;
  }

  private int identify() {
    int source = source();
    if (source == IS_THR_EMPTY) {
      thrBecameEmpty = false;
    }
    return source | ((fcr & FIFOS) == 0 ? 0 : FIFOS_ARE_ON);
  }

  private int source() {
    if ((ier & LINE_STATUS) != 0 && overrun) {
      return IS_LINE_STATUS;
    }
    if ((ier & RECEIVED) != 0 && !received.isEmpty()) {
      return received.count() >= trigger() ? IS_RECEIVED : IS_TIMEOUT;
    }
    if ((ier & THR_EMPTY) != 0 && thrBecameEmpty) {
      return IS_THR_EMPTY;
    }
    if ((ier & MODEM_STATUS) != 0 && changes != 0) {
      return IS_MODEM_STATUS;
    }
    return IS_NONE;
  }

  private int trigger() {
    return (fcr & FIFOS) == 0 ? 1 : TRIGGERS[fcr >> 6];
  }
}
