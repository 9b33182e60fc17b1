package org.kvmdev.devices.xics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/** Sources as users see them, and where they are sent. */
class SourcesTest {
  private static final int NO_SUCH_SOURCE = -22;

  private XicsMachine machine;

  @BeforeEach
  void make() throws KvmException {
    machine = new XicsMachine(2);
  }

  @AfterEach
  void close() {
    machine.close();
  }

  private static void refused(Errno errno, Executable call) {
    KvmException refusal = assertThrows(KvmException.class, call);
    assertEquals(errno, refusal.errno(), refusal::getMessage);
  }

  @Test
  void numbersGoFromSixteenToTwentyBits() throws KvmException {
    for (long number : new long[] {16, 0x3ff, 0x400, 0xf_ffff}) {
      machine.device.has(1, number);
      machine.device.set(1, number, 5L << 32);
      assertEquals(5L << 32, machine.device.get(1, number));
    }
    for (long number : new long[] {0, 2, 15, 0x10_0000, 0xff_ffff, 0x1_0000_1000L, -1}) {
      refused(Errno.ENXIO, () -> machine.device.has(1, number));
      refused(Errno.ENOENT, () -> machine.device.set(1, number, 5L << 32));
    }
    refused(Errno.ENOENT, () -> machine.device.get(1, 17));
    refused(Errno.ENOENT, () -> machine.device.get(1, 0x8000));
  }

  @Test
  void getLooksAtThirtyTwoBitsOfTheNumber() throws KvmException {
    machine.edge(0x1000, 1, 3);
    assertEquals(1 | 3L << 32, machine.device.get(1, 0x7_0000_1000L));
  }

  @Test
  void theServerMustExistUnlessThePriorityMasks() throws KvmException {
    refused(Errno.EINVAL, () -> machine.set(0x1000, 7 | 5L << 32));
    refused(Errno.EINVAL, () -> machine.set(0x1000, 7 | 5L << 32 | XicsMachine.MASKED));
    machine.set(0x1000, 7 | 0xffL << 32);
    assertEquals(7 | 0xffL << 32 | XicsMachine.MASKED, machine.source(0x1000));
  }

  @Test
  void aRefusedSetMakesTheBlockAndNotTheSource() throws KvmException {
    assertEquals(Hypercall.PARAMETER, machine.end(0, 0xff00_2000));
    refused(Errno.EINVAL, () -> machine.set(0x2000, 7));
    assertEquals(0, machine.end(0, 0xff00_2000));
    refused(Errno.ENOENT, () -> machine.source(0x2000));
    assertEquals(NO_SUCH_SOURCE, machine.vm.irqLine(0x2000, 1));
  }

  @Test
  void aSetWithBadMemoryMakesTheBlockToo() {
    var memory = new XicsMachine.ArrayMemory(new byte[4], java.nio.ByteOrder.LITTLE_ENDIAN);
    refused(Errno.ENOENT, () -> machine.device.set(1, 0x10_0000, 0, memory));
    refused(Errno.EFAULT, () -> machine.device.set(1, 0x2000, 0, memory));
    assertEquals(0, machine.xics().sources().find(0x2000) == null ? -1 : 0);
  }

  @Test
  void linesOfSourcesThatAreNotThereSayInvalid() throws KvmException {
    machine.edge(0x1000, 0, 5);
    for (int line : new int[] {0, 2, 0x1001, 0x2000, 0xff_ffff, -1}) {
      assertEquals(NO_SUCH_SOURCE, machine.vm.irqLine(line, 1));
    }
    assertEquals(0, machine.vm.irqLine(0x1000, 1));
  }

  @Test
  void whatIsWrittenAsPendingIsSent() throws KvmException {
    machine.set(0x1000, 5L << 32 | XicsMachine.PENDING);
    assertTrue(machine.pin(0));
    assertEquals(XicsMachine.PRESENTED, machine.flags(0x1000));

    machine.set(0x1001, 1 | 5L << 32 | XicsMachine.PRESENTED | XicsMachine.QUEUED);
    assertFalse(machine.pin(1));
    assertEquals(XicsMachine.PRESENTED | XicsMachine.QUEUED, machine.flags(0x1001));
  }

  @Test
  void settingAWaitingSourceForgetsThatItWaits() throws KvmException {
    machine.cppr(0, 0);
    machine.edge(0x1000, 0, 5);
    machine.raise(0x1000);
    machine.edge(0x1000, 0, 5);
    machine.cppr(0, 0xff);
    assertFalse(machine.pin(0));
  }

  @Test
  void whatArrivesWhileMaskedIsKept() throws KvmException {
    machine.set(0x1000, 5L << 32 | XicsMachine.MASKED);
    machine.raise(0x1000);
    assertFalse(machine.pin(0));
    assertEquals(
        XicsMachine.MASKED | XicsMachine.PENDING | XicsMachine.PRESENTED, machine.flags(0x1000));
    assertTrue(machine.xics().unmask(0x1000));
    assertTrue(machine.pin(0));
  }

  @Test
  void whatIsMaskedWhileItWaitsIsKept() throws KvmException {
    machine.edge(0x1000, 0, 5);
    machine.cppr(0, 0);
    machine.raise(0x1000);
    assertTrue(machine.xics().mask(0x1000));
    machine.cppr(0, 0xff);
    assertFalse(machine.pin(0));
    assertEquals(
        5L << 32 | XicsMachine.MASKED | XicsMachine.PENDING | XicsMachine.PRESENTED,
        machine.source(0x1000));
    assertTrue(machine.xics().setRoute(0x1000, 1, 3));
    assertTrue(machine.pin(1));
    assertEquals(XicsMachine.icp(0xff, 0x1000, 0xff, 3), machine.icp(1));
  }

  @Test
  void maskingTwiceLosesThePriority() throws KvmException {
    machine.edge(0x1000, 0, 5);
    machine.xics().mask(0x1000);
    machine.xics().mask(0x1000);
    machine.xics().unmask(0x1000);
    assertEquals(0xffL << 32 | XicsMachine.MASKED, machine.source(0x1000));
  }

  @Test
  void aWaitingSourceThatMovesIsSentToItsNewServer() throws KvmException {
    machine.edge(0x1000, 0, 5);
    machine.cppr(0, 0);
    machine.raise(0x1000);
    machine.xics().setRoute(0x1000, 1, 6);
    assertEquals(XicsMachine.icp(0xff, 0x1000, 0xff, 6), machine.icp(1));
    machine.cppr(0, 0xff);
    assertEquals(XicsMachine.icp(0xff, 0, 0xff, 0xff), machine.icp(0));
  }

  @Test
  void aPresentedSourceThatMovesGoesThereWhenItIsDisplaced() throws KvmException {
    machine.edge(0x1000, 0, 5);
    machine.edge(0x1001, 0, 4);
    machine.raise(0x1000);
    machine.xics().setRoute(0x1000, 1, 5);
    assertFalse(machine.pin(1));
    machine.raise(0x1001);
    assertEquals(XicsMachine.icp(0xff, 0x1001, 0xff, 4), machine.icp(0));
    assertEquals(XicsMachine.icp(0xff, 0x1000, 0xff, 5), machine.icp(1));
  }

  @Test
  void aSourceThatNobodySetCanBeRoutedOnceItsBlockIsThere() throws KvmException {
    assertFalse(machine.xics().setRoute(0x1001, 1, 5));
    assertEquals(Xics.NO_STATE, machine.xics().route(0x1001));
    machine.edge(0x1000, 0, 5);
    assertTrue(machine.xics().setRoute(0x1001, 1, 5));
    assertFalse(machine.xics().setRoute(0x1001, 2, 5));
    assertEquals(1, SourceState.server(machine.xics().route(0x1001)));
    refused(Errno.ENOENT, () -> machine.source(0x1001));
  }
}
