package org.kvmdev.devices.mpic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.KvmException;

/** What is raised, taken, nested and ended. */
class DeliveryTest {
  private MpicMachine machine;

  @BeforeEach
  void make() throws KvmException {
    machine = new MpicMachine(MpicMachine.MPIC_42, 2);
    machine.configure(3, 1, 5, 0x33);
    machine.configure(4, 1, 9, 0x44);
    machine.configure(20, 1, 7, 0x14);
  }

  @AfterEach
  void close() {
    machine.close();
  }

  @Test
  void anEdgeIsTakenOnce() throws KvmException {
    machine.raise(3);
    assertTrue(machine.pin(0));
    assertEquals(1, machine.pending(3));
    assertEquals(MpicMachine.ACTIVITY | 0x5_0033, machine.vectorPriority(3));

    assertEquals(0x33, machine.acknowledge(0));
    assertFalse(machine.pin(0));
    assertEquals(0, machine.pending(3));

    machine.end(0);
    assertFalse(machine.pin(0));
    assertEquals(MpicMachine.SPURIOUS, machine.acknowledge(0));
  }

  @Test
  void aLevelThatIsStillHighComesAgainAfterItsEnd() throws KvmException {
    machine.raise(20);
    assertEquals(0x14, machine.acknowledge(0));
    machine.end(0);
    assertTrue(machine.pin(0));
    machine.acknowledge(0);
    machine.lower(20);
    machine.end(0);
    assertFalse(machine.pin(0));
  }

  @Test
  void theHighestPriorityIsTakenFirstAndOfEqualOnesTheLowestSource() throws KvmException {
    machine.configure(5, 1, 9, 0x55);
    for (int source : List.of(20, 5, 4, 3)) {
      machine.raise(source);
    }
    List<Integer> taken = new ArrayList<>();
    for (int count = 0; count < 4; count++) {
      taken.add(machine.acknowledge(0));
    }
    // Source 20 is a level: in service, it is still what comes after the edges of priority 9.
    assertEquals(List.of(0x44, 0x55, 0x14, 0x14), taken);
  }

  @Test
  void aHigherPriorityInterruptsTheServiceOfALower() throws KvmException {
    machine.raise(3);
    machine.acknowledge(0);
    machine.raise(4);
    assertTrue(machine.pin(0));
    assertEquals(0x44, machine.acknowledge(0));
    machine.raise(3);
    assertFalse(machine.pin(0), "hidden by what is in service");
    machine.end(0);
    assertFalse(machine.pin(0), "not above the first, which is in service still");
    machine.end(0);
    assertTrue(machine.pin(0));
  }

  @Test
  void nothingAtOrBelowTheTaskPriorityIsSignalled() throws KvmException {
    machine.taskPriority(0, 5);
    machine.raise(3);
    assertFalse(machine.pin(0));
    machine.taskPriority(0, 4);
    assertTrue(machine.pin(0));
    machine.taskPriority(0, 15);
    assertFalse(machine.pin(0));
  }

  @Test
  void whatIsAcknowledgedBelowTheTaskPriorityIsSpuriousAndAnEdgeIsLost() throws KvmException {
    machine.register(0x10e0, 0x5555);
    machine.taskPriority(0, 5);
    machine.raise(3);
    assertEquals(0x5555, machine.acknowledge(0));
    assertEquals(0, machine.pending(3));
    machine.taskPriority(0, 0);
    assertEquals(0x5555, machine.acknowledge(0));
  }

  @Test
  void priorityZeroIsNeverSignalled() throws KvmException {
    machine.configure(6, 1, 0, 0x66);
    machine.raise(6);
    assertFalse(machine.pin(0));
    assertEquals(MpicMachine.SPURIOUS, machine.acknowledge(0));
  }

  @Test
  void aMaskedSourceWaits() throws KvmException {
    machine.vectorPriority(20, MpicMachine.MASKED | 0x7_0014);
    machine.raise(20);
    assertFalse(machine.pin(0));
    machine.vectorPriority(20, 0x7_0014);
    assertTrue(machine.pin(0));
    machine.vectorPriority(20, MpicMachine.MASKED | 0x7_0014);
    assertFalse(machine.pin(0), "withdrawn");
  }

  @Test
  void aPriorityThatChangesWhileRaisedCountsAtOnce() throws KvmException {
    machine.raise(20);
    machine.raise(4);
    machine.vectorPriority(20, 0xa_0014);
    assertEquals(0x14, machine.acknowledge(0));
    machine.vectorPriority(20, 0x1_0014);
    machine.lower(20);
    machine.end(0);
    assertTrue(machine.pin(0));
    assertEquals(0x44, machine.acknowledge(0));
    machine.vectorPriority(4, 0x1_0044);
    machine.raise(3);
    assertTrue(machine.pin(0), "above what is in service, which has a lower priority now");
  }

  @Test
  void anInterruptForSeveralCpusIsRaisedAtAllOfThem() throws KvmException {
    machine.configure(20, 0b11, 7, 0x14);
    machine.raise(20);
    assertTrue(machine.pin(0));
    assertTrue(machine.pin(1));
    assertEquals(0x14, machine.acknowledge(1));
    assertEquals(0x14, machine.acknowledge(0));
  }

  @Test
  void internalInterruptsAreAlwaysLevelsAndExternalOnesAsTheirSenseSays() throws KvmException {
    machine.vectorPriority(20, MpicMachine.LEVEL | 0x7_0014);
    assertEquals(0x7_0014, machine.vectorPriority(20), "no sense bit");
    machine.vectorPriority(3, MpicMachine.LEVEL | 0x5_0033);
    machine.line(3, 7);
    assertEquals(7, machine.pending(3), "a level is kept as it was given");
    machine.lower(3);
    assertEquals(0, machine.pending(3));
    assertFalse(machine.pin(0));
  }

  @Test
  void theEndOfAnInterruptIsToldAfterTheDeviceIsReleased() throws KvmException {
    List<Integer> ended = new ArrayList<>();
    machine.vm.onAcked(
        0,
        20,
        () -> {
          try {
            ended.add(20);
            machine.lower(20);
          } catch (KvmException e) {
            throw new AssertionError(e);
          }
        });
    machine.raise(20);
    machine.acknowledge(0);
    machine.end(0);
    assertEquals(List.of(20), ended);
    assertEquals(0, machine.pending(20), "the listener drove the line");
    machine.end(0);
    assertEquals(List.of(20), ended, "nothing was in service");
  }
}
