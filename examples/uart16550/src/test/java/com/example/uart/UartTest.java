package com.example.uart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** The UART as its data sheet tells it. */
class UartTest {
  private static final int DATA = 0;
  private static final int IER = 1;
  private static final int IIR_FCR = 2;
  private static final int LCR = 3;
  private static final int MCR = 4;
  private static final int LSR = 5;
  private static final int MSR = 6;
  private static final int SCR = 7;

  private final Uart uart = new Uart();

  private void interruptIs(int identification) {
    assertEquals(identification, uart.read(IIR_FCR) & 0x0f);
  }

  @Test
  void afterReset() {
    assertEquals(0, uart.read(IER));
    assertEquals(1, uart.read(IIR_FCR));
    assertEquals(0, uart.read(LCR));
    assertEquals(0, uart.read(MCR));
    assertEquals(0x60, uart.read(LSR));
    assertEquals(0, uart.read(MSR));
    assertFalse(uart.interrupts());
  }

  @Test
  void theScratchRegisterKeepsAByte() {
    uart.write(SCR, 0xa5);
    assertEquals(0xa5, uart.read(SCR));
  }

  @Test
  void theDivisorLatchIsBehindLcrsBit7() {
    uart.write(LCR, 0x83);
    uart.write(0, 0x0c);
    uart.write(1, 0x01);
    assertEquals(0x0c, uart.read(0));
    assertEquals(0x01, uart.read(1));
    uart.write(LCR, 0x03);
    assertEquals(0, uart.read(IER));
    assertEquals(0x60, uart.read(LSR), "the latch's write has sent nothing");
    assertEquals(0x0c, uart.get(UartRegister.DLL));
    assertEquals(0x01, uart.get(UartRegister.DLM));
  }

  @Test
  void withTheFifosOffItHoldsOneByteAndOverruns() {
    uart.write(IER, 0x05);
    uart.receive('a');
    interruptIs(0x4);
    uart.receive('b');
    interruptIs(0x6);
    assertEquals(0x63, uart.read(LSR));
    assertEquals(0x61, uart.read(LSR), "reading it clears the overrun");
    interruptIs(0x4);
    assertEquals('a', uart.read(DATA));
    assertFalse(uart.interrupts());
  }

  @Test
  void theReceiverInterruptsFromItsTriggerOnAndTimesOutBelow() {
    uart.write(IER, 0x01);
    uart.write(IIR_FCR, 0x81); // FIFOs, trigger 8
    assertEquals(0xc1, uart.read(IIR_FCR));
    for (int i = 0; i < 7; i++) {
      uart.receive(i);
      interruptIs(0xc);
    }
    uart.receive(7);
    interruptIs(0x4);
    assertEquals(0, uart.read(DATA));
    interruptIs(0xc);
    for (int i = 1; i < 8; i++) {
      assertEquals(i, uart.read(DATA));
    }
    interruptIs(0x1);
  }

  @Test
  void sixteenBytesFitAndTheSeventeenthOverruns() {
    uart.write(IIR_FCR, 0x01);
    for (int i = 0; i < 17; i++) {
      assertEquals(0x60 | (i > 0 ? 1 : 0), uart.read(LSR));
      uart.receive(i);
    }
    assertEquals(0x63, uart.read(LSR));
    for (int i = 0; i < 16; i++) {
      assertEquals(i, uart.read(DATA));
    }
    assertEquals(0x60, uart.read(LSR));
  }

  @Test
  void anEmptyTransmitterInterruptsUntilItIsIdentifiedOrWritten() {
    uart.write(IER, 0x02);
    interruptIs(0x2);
    assertFalse(uart.interrupts(), "reading IIR cleared it");
    uart.write(IIR_FCR, 0x01);
    uart.write(DATA, 'o');
    uart.write(DATA, 'k');
    assertEquals(0, uart.read(LSR));
    assertEquals('o', uart.sent());
    assertFalse(uart.interrupts());
    assertEquals('k', uart.sent());
    assertTrue(uart.interrupts());
    uart.write(DATA, '!');
    assertFalse(uart.interrupts());
  }

  @Test
  void theFifosAreClearedByBitsThatDoNotStay() {
    uart.write(IIR_FCR, 0x01);
    uart.receive(1);
    uart.write(DATA, 2);
    uart.write(IIR_FCR, 0x07);
    assertEquals(0x60, uart.read(LSR));
    assertEquals(0x01, uart.get(UartRegister.FCR));
    uart.receive(1);
    uart.write(IIR_FCR, 0x00);
    assertEquals(0x60, uart.read(LSR), "switching the FIFOs off clears them");
    uart.write(IIR_FCR, 0xc0);
    assertEquals(0, uart.get(UartRegister.FCR), "nothing else is written while they are off");
  }

  @Test
  void changesOfTheModemsLinesAreToldOnce() {
    uart.write(IER, 0x08);
    uart.modem(0xf0);
    interruptIs(0x0);
    assertEquals(0xfb, uart.read(MSR), "a ring tells its end, not its begin");
    assertEquals(0xf0, uart.read(MSR));
    uart.modem(0xb0);
    assertEquals(0xb4, uart.read(MSR));
    interruptIs(0x1);
  }

  @Test
  void loopedBackItHearsItself() {
    uart.modem(0x10);
    uart.read(MSR);
    uart.write(MCR, 0x1a); // loop, RTS, OUT2
    assertEquals(0x98, uart.read(MSR), "RTS is CTS, as it was; OUT2 is DCD, which rose");
    uart.write(DATA, 0x5a);
    uart.receive(0x77);
    assertFalse(uart.hasToSend());
    assertEquals(0x5a, uart.read(DATA));
    assertEquals(0x60, uart.read(LSR), "the wire is cut");
    uart.write(MCR, 0);
    assertEquals(0x18, uart.read(MSR));
  }

  @Test
  void lineStatusComesBeforeDataBeforeTransmitterBeforeModem() {
    uart.write(IER, 0x0f);
    uart.modem(0x10);
    uart.receive(1);
    uart.receive(2);
    interruptIs(0x6);
    uart.read(LSR);
    interruptIs(0x4);
    uart.read(DATA);
    interruptIs(0x2);
    interruptIs(0x0);
    uart.read(MSR);
    interruptIs(0x1);
  }

  @Test
  void theStatusRegistersAreForReading() {
    uart.write(LSR, 0xff);
    uart.write(MSR, 0xff);
    assertEquals(0x60, uart.read(LSR));
    assertEquals(0, uart.read(MSR));
  }
}
