package com.example.uart;

import java.util.List;
import org.kvmdev.api.register.Register;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/**
 * The registers, at the offsets at which the client finds them. The guest finds those from 0 to 7
 * there too, and the divisor latch at 0 and 1 while LCR's bit 7 is set.
 */
enum UartRegister implements Register {
  RBR(
      RegisterSpec.at(0, "Receiver buffer: the oldest byte received; written, it is THR.")
          .effects("The guest alone reaches it: reading takes the byte, writing transmits one.")
          .source("8.0, 8.1")),
  IER(
      RegisterSpec.at(1, "Interrupt enable: received data, THR empty, line status, modem status.")
          .writable(0x0f)
          .saved()
          .source("8.7")),
  FCR(
      RegisterSpec.at(2, "FIFO control: enable, DMA mode, receiver trigger.")
          .writable(0xc9)
          .saved()
          .effects("The guest writes it, with bits that clear the FIFOs; it reads IIR here.")
          .source("8.5")),
  LCR(
      RegisterSpec.at(3, "Line control: the format of characters, break, divisor latch access.")
          .saved()
          .source("8.1")),
  MCR(
      RegisterSpec.at(4, "Modem control: DTR, RTS, OUT1, OUT2, loop.")
          .writable(0x1f)
          .saved()
          .source("8.8")),
  LSR(
      RegisterSpec.at(5, "Line status: data ready, overrun, transmitter empty.")
          .reset(0x60)
          .writable(0x02)
          .saved()
          .effects("The guest's read clears the overrun. The other bits follow from the FIFOs.")
          .source("8.4")),
  MSR(
      RegisterSpec.at(6, "Modem status: the lines, and which have changed.")
          .writable(0x0f)
          .saved()
          .effects("The guest's read clears the changes. The lines are the attribute MODEM's.")
          .source("8.9")),
  SCR(RegisterSpec.at(7, "Scratch: a byte that does nothing.").saved().source("8.10")),
  DLL(RegisterSpec.at(8, "Divisor latch, low.").saved().source("8.3")),
  DLM(RegisterSpec.at(9, "Divisor latch, high.").saved().source("8.3"));

  static final RegisterMap<UartRegister> MAP = RegisterMap.of("registers", 1, List.of(values()));

  /** Those that have no side effect on others, in any order; before the FIFOs. */
  static final List<UartRegister> SAVED_FIRST = List.of(FCR, LCR, MCR, SCR, DLL, DLM);

  private final RegisterSpec spec;

  UartRegister(RegisterSpec spec) {
    this.spec = spec.width(1);
  }

  @Override
  public RegisterSpec spec() {
    return spec;
  }
}
