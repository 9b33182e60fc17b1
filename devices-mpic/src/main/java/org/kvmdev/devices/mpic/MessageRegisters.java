package org.kvmdev.devices.mpic;

/** The shared message signaled interrupts. Reset keeps them. */
final class MessageRegisters {
  private static final int COUNT = 8;
  private static final int SELECT_SHIFT = 29;
  private static final int BIT_SHIFT = 24;
  private static final int BIT_MASK = 0x1f;

  private final Mpic mpic;
  private final int[] messages = new int[COUNT];

  MessageRegisters(Mpic mpic) {
    this.mpic = mpic;
  }

  int read(int offset) {
    MessageRegister register = MessageRegister.MAP.at(offset);
    if (register == null) {
      return 0;
    }
    return switch (register) {
      case MSIR -> take(MessageRegister.MAP.index(register, offset));
      case MSISR -> status();
      case MSIIR -> 0;
    };
  }

  void write(int offset, int value) {
    // What lies between the registers is reserved for writes; reads are refused there.
    if (offset == MessageRegister.MSIIR.spec().offset()) {
      index(value);
    }
  }

  /** MSIIR: sets the bit that is named, and raises the source of its register. */
  void index(int value) {
    int register = value >>> SELECT_SHIFT;
    messages[register] |= 1 << (value >>> BIT_SHIFT & BIT_MASK);
    source(register).drive(1);
  }

  private int take(int register) {
    int came = messages[register];
    messages[register] = 0;
    source(register).drive(0);
    return came;
  }

  private int status() {
    int status = 0;
    for (int register = 0; register < COUNT; register++) {
      if (messages[register] != 0) {
        status |= 1 << register;
      }
    }
    return status;
  }

  private Source source(int register) {
    return mpic.source(Source.FIRST_MESSAGE + register);
  }
}
