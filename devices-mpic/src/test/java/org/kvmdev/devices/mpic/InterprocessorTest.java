package org.kvmdev.devices.mpic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.KvmException;

/** Interprocessor interrupts, messages, and who is who. */
class InterprocessorTest {
  private MpicMachine machine;

  @BeforeEach
  void make() throws KvmException {
    machine = new MpicMachine(MpicMachine.MPIC_42, 3);
    machine.register(0x10b0, 0x8_0101);
  }

  @AfterEach
  void close() {
    machine.close();
  }

  @Test
  void eachDispatchedCpuTakesItOnce() throws KvmException {
    machine.dispatch(0, 1, 0b110);
    assertFalse(machine.pin(0));
    assertTrue(machine.pin(1));
    assertTrue(machine.pin(2));
    assertEquals(0x101, machine.acknowledge(2));
    assertEquals(0x101, machine.acknowledge(1));
    assertFalse(machine.pin(1) || machine.pin(2));
    assertEquals(MpicMachine.SPURIOUS, machine.acknowledge(1));
  }

  @Test
  void lineTwoHundredFiftySixIsTheFirst() throws KvmException {
    machine.register(0x10a0, 0x9_0100);
    machine.register(0x1020, 0x8000_0000);
    machine.register(0x10a0, 0x9_0100);
    machine.taskPriority(0, 0);
    machine.pending(256, 1);
    assertTrue(machine.pin(0), "reset left CPU 0 as its destination");
    assertEquals(0x100, machine.acknowledge(0));
  }

  @Test
  void eachCpuFindsItselfInThePrivateWindow() throws KvmException {
    for (int cpu = 0; cpu < 3; cpu++) {
      assertEquals(cpu, machine.guestRead(cpu, 0x90));
      assertEquals(cpu, machine.register(0x20090 + 0x1000 * cpu));
    }
    assertEquals(-1, machine.register(0x90), "no CPU reads through the device's file");
    machine.register(0x80, 7);
    assertEquals(0, machine.guestRead(0, 0x80));
  }

  @Test
  void messagesAreCollectedUntilTheyAreRead() throws KvmException {
    machine.configure(226, 1, 4, 0xe2);
    machine.register(0x1740, 2 << 29 | 5 << 24);
    machine.vm.signalMsi(0, 2 << 29 | 31 << 24, 0, 0);
    assertEquals(0b100, machine.register(0x1720));
    assertEquals(0xe2, machine.acknowledge(0));
    assertEquals(1 << 31 | 1 << 5, machine.guestRead(0, 0x1620));
    assertEquals(0, machine.guestRead(0, 0x1620));
    machine.end(0);
    assertFalse(machine.pin(0));
  }
}
