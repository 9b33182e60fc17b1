package org.kvmdev.devices.mpic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.kvmdev.api.KvmException;

/** Destinations and outputs: IDR on both models, ILR on 4.2. */
class OutputTest {
  private static final int IDR = 0x10010;
  private static final int ILR = 0x10018;

  @Test
  void destinationsAreTheCpusThatAreConnectedWhenTheyAreWritten() throws KvmException {
    try (MpicMachine machine = MpicMachine.unconnected(MpicMachine.MPIC_42, 4)) {
      machine.register(IDR, -1);
      assertEquals(0, machine.register(IDR));
      machine.connect(0, 2);
      assertEquals(0, machine.register(IDR));
      machine.register(IDR, -1);
      assertEquals(0b111, machine.register(IDR));
      machine.connect(1, 31);
      machine.register(IDR, -1);
      assertEquals(-1, machine.register(IDR));
    }
  }

  @Test
  void criticalInterruptsOf20IgnoreTheMaskAndNeverReachInt() throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_20, 2)) {
      machine.register(IDR, -1);
      assertEquals(0xe000_0003, machine.register(IDR), "external pin, two critical, two normal");
      machine.register(IDR, 0x2000_0000);
      machine.vectorPriority(0, MpicMachine.MASKED | MpicMachine.LEVEL | 0xf_0000);
      machine.raise(0);
      assertEquals(MpicMachine.ACTIVITY, machine.vectorPriority(0) & MpicMachine.ACTIVITY);
      assertFalse(machine.pin(0) || machine.pin(1));
      assertEquals(MpicMachine.SPURIOUS, machine.acknowledge(1));
    }
  }

  @Test
  void with31CpusEveryDestinationBitIsCritical() throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_20, 31)) {
      machine.configure(0, 1, 5, 0);
      machine.raise(0);
      assertFalse(machine.pin(0), "bit 0 is CPU 30's critical interrupt");
    }
  }

  @Test
  void with32CpusNoDestinationIsCritical() throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_20, 32)) {
      machine.configure(0, 0x8000_0001, 5, 0x77);
      machine.raise(0);
      assertTrue(machine.pin(0));
      assertTrue(machine.pin(31));
    }
  }

  @Test
  void ilrIs42s() throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_20, 1)) {
      machine.register(ILR, 2);
      assertEquals(-1, machine.register(ILR));
    }
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_42, 1)) {
      machine.register(ILR, 0x1_02);
      assertEquals(2, machine.register(ILR));
      machine.configure(0, 1, 9, 0);
      machine.raise(0);
      assertFalse(machine.pin(0));
      assertEquals(0, machine.pending(0), "an edge for another output does not stay");
      machine.register(ILR, 0);
      machine.raise(0);
      assertTrue(machine.pin(0));
    }
  }

  @Test
  void anOutputThatThereIsNotReachesNobody() throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_42, 1)) {
      machine.configure(20, 1, 9, 0x14);
      for (int output : new int[] {3, 0x7f, 0xff}) {
        machine.register(ILR + 0x20 * 20, output);
        machine.raise(20);
        assertEquals(output, machine.register(ILR + 0x20 * 20));
        assertEquals(1, machine.pending(20));
        assertFalse(machine.pin(0));
        machine.lower(20);
      }
    }
  }

  @Test
  void destinationsThatChangeWhileRaisedLeaveTheOldOnesASpuriousVector() throws KvmException {
    try (MpicMachine machine = new MpicMachine(MpicMachine.MPIC_42, 2)) {
      machine.configure(20, 0b01, 9, 0x14);
      machine.raise(20);
      machine.register(IDR + 0x20 * 20, 0b10);
      machine.lower(20);
      assertTrue(machine.pin(0), "nobody told CPU 0");
      assertEquals(MpicMachine.SPURIOUS, machine.acknowledge(0));
    }
  }
}
