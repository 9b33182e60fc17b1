package org.kvmdev.devices.xics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/** What a server presents, accepts, displaces and sends again. */
class PresentationTest {
  private XicsMachine machine;

  @BeforeEach
  void make() throws KvmException {
    machine = new XicsMachine(2);
    machine.edge(0x1000, 0, 5);
    machine.edge(0x1001, 0, 4);
    machine.edge(0x1002, 0, 6);
    machine.level(0x1100, 0, 5);
  }

  @AfterEach
  void close() {
    machine.close();
  }

  @Test
  void anInterruptIsPresentedAcceptedAndEnded() throws KvmException {
    machine.raise(0x1000);
    assertTrue(machine.pin(0));
    assertEquals(XicsMachine.icp(0xff, 0x1000, 0xff, 5), machine.icp(0));

    int xirr = machine.accept(0);
    assertEquals(0xff00_1000, xirr);
    assertFalse(machine.pin(0));
    assertEquals(XicsMachine.icp(5, 0, 0xff, 0xff), machine.icp(0));

    assertEquals(0, machine.end(0, xirr));
    assertEquals(XicsMachine.icp(0xff, 0, 0xff, 0xff), machine.icp(0));
    assertEquals(0, machine.flags(0x1000));
  }

  @Test
  void nothingIsAcceptedWhereNothingIsPresented() throws KvmException {
    assertEquals(0xff00_0000, machine.accept(0));
    assertEquals(XicsMachine.icp(0xff, 0, 0xff, 0xff), machine.icp(0));
  }

  @Test
  void aMoreFavouredInterruptDisplacesAnother() throws KvmException {
    machine.raise(0x1000);
    machine.raise(0x1001);
    assertEquals(XicsMachine.icp(0xff, 0x1001, 0xff, 4), machine.icp(0));
    assertEquals(XicsMachine.PENDING | XicsMachine.PRESENTED, machine.flags(0x1000));

    machine.end(0, machine.accept(0));
    assertEquals(0xff00_1000, machine.accept(0));
  }

  @Test
  void anEquallyFavouredInterruptWaits() throws KvmException {
    machine.edge(0x1003, 0, 5);
    machine.raise(0x1003);
    machine.raise(0x1000);
    machine.raise(0x1100);
    for (int source : new int[] {0x1003, 0x1000, 0x1100}) {
      int xirr = machine.accept(0);
      assertEquals(0xff00_0000 | source, xirr);
      machine.lower(0x1100);
      machine.end(0, xirr);
    }
  }

  @Test
  void ofThoseThatWaitTheMostFavouredComesFirst() throws KvmException {
    machine.cppr(0, 0);
    machine.raise(0x1002);
    machine.raise(0x1000);
    machine.raise(0x1001);
    machine.cppr(0, 0xff);
    for (int source : new int[] {0x1001, 0x1000, 0x1002}) {
      int xirr = machine.accept(0);
      assertEquals(0xff00_0000 | source, xirr);
      machine.end(0, xirr);
    }
  }

  @Test
  void cpprHoldsBackWhatIsNotMoreFavoured() throws KvmException {
    machine.cppr(0, 5);
    machine.raise(0x1000);
    assertFalse(machine.pin(0));
    machine.raise(0x1001);
    assertTrue(machine.pin(0));
  }

  @Test
  void raisingThePriorityTakesBackWhatIsPresented() throws KvmException {
    machine.raise(0x1000);
    machine.cppr(0, 4);
    assertFalse(machine.pin(0));
    assertEquals(XicsMachine.icp(4, 0, 0xff, 0xff), machine.icp(0));
    machine.cppr(0, 6);
    assertEquals(XicsMachine.icp(6, 0x1000, 0xff, 5), machine.icp(0));
    assertTrue(machine.pin(0));
  }

  @Test
  void anEdgeThatArrivesBeforeTheEndIsQueuedOnce() throws KvmException {
    machine.raise(0x1000);
    int xirr = machine.accept(0);
    machine.raise(0x1000);
    machine.raise(0x1000);
    assertEquals(XicsMachine.PRESENTED | XicsMachine.QUEUED, machine.flags(0x1000));
    machine.end(0, xirr);
    assertEquals(xirr, machine.accept(0));
    machine.end(0, xirr);
    assertEquals(0xff00_0000, machine.accept(0));
  }

  @Test
  void aLevelThatIsStillHighFiresAgainAfterItsEnd() throws KvmException {
    machine.raise(0x1100);
    int xirr = machine.accept(0);
    machine.end(0, xirr);
    assertTrue(machine.pin(0));
    assertEquals(xirr, machine.accept(0));
    machine.lower(0x1100);
    machine.end(0, xirr);
    assertFalse(machine.pin(0));
  }

  @Test
  void loweringALevelDoesNotWithdrawWhatIsPresented() throws KvmException {
    machine.raise(0x1100);
    machine.lower(0x1100);
    assertTrue(machine.pin(0));
    assertEquals(XicsMachine.LEVEL, machine.flags(0x1100));
    assertEquals(0xff00_1100, machine.accept(0));
  }

  @Test
  void onlyZeroAndUnsetLowerALevel() throws KvmException {
    for (int high : new int[] {1, 5, -1, -3}) {
      for (int low : new int[] {0, -2}) {
        machine.vm.irqLine(0x1100, high);
        assertEquals(
            XicsMachine.LEVEL | XicsMachine.PENDING | XicsMachine.PRESENTED, machine.flags(0x1100));
        machine.vm.irqLine(0x1100, low);
        assertEquals(XicsMachine.LEVEL, machine.flags(0x1100));
      }
    }
  }

  @Test
  void anInterProcessorInterruptDisplacesAndIsWithdrawnOnlyBeforeItIsPresented()
      throws KvmException {
    machine.raise(0x1000);
    assertEquals(0, machine.ipi(1, 0, 4));
    assertEquals(XicsMachine.icp(0xff, 2, 4, 4), machine.icp(0));
    machine.ipi(1, 0, 0xff);
    assertEquals(XicsMachine.icp(0xff, 2, 0xff, 4), machine.icp(0));
    int xirr = machine.accept(0);
    assertEquals(0xff00_0002, xirr);
    assertEquals(0, machine.end(0, xirr));
    assertEquals(0xff00_1000, machine.accept(0));
  }

  @Test
  void anInterProcessorInterruptComesBackUntilItIsWithdrawn() throws KvmException {
    machine.ipi(0, 0, 4);
    int xirr = machine.accept(0);
    machine.end(0, xirr);
    assertEquals(xirr, machine.accept(0));
    machine.ipi(0, 0, 0xff);
    machine.end(0, xirr);
    assertEquals(0xff00_0000, machine.accept(0));
  }

  @Test
  void prioritiesAreComparedWideAndStoredNarrow() throws KvmException {
    machine.raise(0x1000);
    machine.cppr(0, 0x105);
    // Less favoured than any, so nothing was taken back; but 5 is what counts from now on.
    assertEquals(XicsMachine.icp(5, 0x1000, 0xff, 5), machine.icp(0));
    assertFalse(machine.pin(0));
    machine.ipi(0, 0, 0x100);
    assertEquals(XicsMachine.icp(5, 0x1000, 0, 5), machine.icp(0));
  }

  @Test
  void serversAreComparedInThirtyTwoBits() throws KvmException {
    assertEquals(0, machine.ipi(0, 0x1_0000_0001L, 3));
    assertEquals(XicsMachine.icp(0xff, 2, 3, 3), machine.icp(1));
    assertEquals(Hypercall.PARAMETER, machine.ipi(0, 2, 3));
  }

  @Test
  void pollingChangesNothing() throws KvmException {
    machine.raise(0x1000);
    assertEquals(0, machine.call(1, Hypercall.H_IPOLL, 0));
    assertEquals(0xff00_1000L, machine.results[0]);
    assertEquals(0xff, machine.results[1]);
    assertTrue(machine.pin(0));
    assertEquals(Hypercall.PARAMETER, machine.call(1, Hypercall.H_IPOLL, 9));
    assertEquals(9, machine.results[0]);
    assertEquals(0, machine.results[1]);
  }

  @Test
  void endingWhatNoControllerHasStillRestoresCppr() throws KvmException {
    assertEquals(Hypercall.PARAMETER, machine.end(0, 0x0709_9999));
    assertEquals(XicsMachine.icp(7, 0, 0xff, 0xff), machine.icp(0));
    assertEquals(0, machine.end(0, 0xff00_13ff));
  }

  @Test
  void thePinStaysUpWhenAnEndMakesCpprMoreFavoured() throws KvmException {
    machine.raise(0x1000);
    machine.end(0, 0x0300_0002);
    assertTrue(machine.pin(0));
    assertEquals(XicsMachine.icp(3, 0x1000, 0xff, 5), machine.icp(0));
  }

  @Test
  void theRegisterIsWrittenOnlyWithFieldsThatFit() throws KvmException {
    long[] wrong = {
      XicsMachine.icp(0xff, 0, 0xff, 5),
      XicsMachine.icp(0xff, 2, 4, 5),
      XicsMachine.icp(4, 2, 4, 4),
      XicsMachine.icp(5, 0x1000, 0xff, 5),
      XicsMachine.icp(0xff, 0x1000, 5, 5),
      XicsMachine.icp(0xff, 0x9000, 0xff, 5),
      XicsMachine.icp(0xff, 0x10_1000, 0xff, 5),
    };
    for (long value : wrong) {
      KvmException refusal =
          assertThrows(
              KvmException.class, () -> machine.vcpus[0].setRegister(Partition.ICP_STATE, value));
      assertEquals(Errno.EINVAL, refusal.errno());
      assertEquals(XicsMachine.icp(0xff, 0, 0xff, 0xff), machine.icp(0));
    }
    machine.vcpus[0].setRegister(Partition.ICP_STATE, XicsMachine.icp(0xff, 0x13ff, 0xff, 5));
    assertTrue(machine.pin(0));
    assertEquals(0xff00_13ff, machine.accept(0));
  }

  @Test
  void writingTheRegisterSendsAgainOnlyWhereMfrrGetsLessFavoured() throws KvmException {
    machine.cppr(0, 0);
    machine.raise(0x1000);
    machine.vcpus[0].setRegister(Partition.ICP_STATE, XicsMachine.icp(0xff, 0, 0xff, 0xff));
    assertFalse(machine.pin(0));
    machine.vcpus[0].setRegister(Partition.ICP_STATE, XicsMachine.icp(0xff, 0, 3, 0xff));
    machine.vcpus[0].setRegister(Partition.ICP_STATE, XicsMachine.icp(0xff, 0, 0xff, 0xff));
    assertTrue(machine.pin(0));
  }

  @Test
  void aResendAlsoReachesWhatWaitsForOthersInTheSameBlock() throws KvmException {
    machine.edge(0x1003, 1, 5);
    machine.cppr(0, 0);
    machine.cppr(1, 0);
    machine.raise(0x1000);
    machine.raise(0x1003);
    // Server 1 would take its source now, but has not been told to look.
    machine.vcpus[1].setRegister(Partition.ICP_STATE, XicsMachine.icp(0xff, 0, 0xff, 0xff));
    assertFalse(machine.pin(1));
    machine.cppr(0, 0xff);
    assertTrue(machine.pin(0));
    assertTrue(machine.pin(1));
  }

  @Test
  void aPinsListenerThatThrowsIsToldSoAndTheDeviceGoesOn() throws KvmException {
    machine.vcpus[0].onPin(
        (pin, high) -> {
          try {
            machine.raise(0x1001);
          } catch (KvmException e) {
            throw new AssertionError("calls back", e);
          }
        });
    List<Executable> calls =
        List.of(
            () -> machine.raise(0x1000),
            () -> machine.accept(0),
            () -> machine.ipi(1, 0, 4),
            () -> machine.accept(0),
            () -> machine.ipi(1, 0, 0xff),
            () -> machine.cppr(0, 0xff),
            () -> machine.cppr(0, 1),
            () -> machine.vcpus[0].setRegister(Partition.ICP_STATE, XicsMachine.icp(9, 2, 3, 3)),
            () -> machine.end(0, 0xff00_0002));
    int faults = 0;
    for (Executable call : calls) {
      try {
        call.execute();
      } catch (KvmException fault) {
        assertEquals(Errno.EIO, fault.errno());
        faults++;
      } catch (Throwable other) {
        throw new AssertionError(other);
      }
    }
    assertTrue(faults >= 4, () -> "too few calls drove the pin");
    machine.vcpus[0].onPin((pin, high) -> {});
    machine.vcpus[0].setRegister(Partition.ICP_STATE, XicsMachine.icp(0xff, 0, 0xff, 0xff));
    machine.edge(0x1200, 0, 1);
    machine.raise(0x1200);
    assertEquals(0xff00_1200, machine.accept(0));
  }
}
