package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/**
 * A level that ended makes its vCPU leave the guest; that it is put off is seen by nobody. What is
 * compared is a GIC that is looked at, which makes up for it, at each step.
 */
class RestingTest {
  private static final int PPI = 2 << 24;
  private static final int FIRST = 20;
  private static final int SECOND = 21;
  private static final int SPI = 64;

  /** More than there are list registers. */
  private static final int MANY = 12;

  private static final int COMMON = 0x80;

  private static TestGic inGuest(boolean v3) throws KvmException {
    TestGic gic = new TestGic(v3, 2);
    for (Vcpu vcpu : gic.vcpus) {
      vcpu.enter();
    }
    return gic;
  }

  private static void line(TestGic gic, int intid, int level) throws KvmException {
    gic.vm.irqLine(PPI | intid, level);
  }

  /** A PPI from its rise to its end. */
  private static void come(TestGic gic, int intid) throws KvmException {
    line(gic, intid, 1);
    assertEquals(intid, gic.acknowledge(gic.vcpus[0]));
    line(gic, intid, 0);
    gic.end(gic.vcpus[0], intid);
  }

  /** Many SPIs pend, less urgent than PPIs. */
  private static void fill(TestGic gic) throws KvmException {
    for (int intid = SPI; intid < SPI + MANY; intid++) {
      gic.priority(intid, COMMON);
      gic.line(intid, true);
    }
  }

  /** How many interrupts the guest finds. */
  private static int drain(TestGic gic) throws KvmException {
    Vcpu vcpu = gic.vcpus[0];
    for (int taken = 0; ; taken++) {
      int intid = gic.acknowledge(vcpu);
      if (intid == TestGic.SPURIOUS) {
        return taken;
      }
      gic.end(vcpu, intid);
    }
  }

  private static void distributor(TestGic gic, boolean v3, boolean on) throws KvmException {
    gic.vcpus[1].write(TestGic.DISTRIBUTOR, 4, !on ? 0 : v3 ? 2 : 1);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void itComesAgainAndAgain(boolean v3) throws KvmException {
    try (TestGic gic = inGuest(v3)) {
      for (int i = 0; i < 3; i++) {
        come(gic, FIRST);
        assertEquals(0, gic.vcpus[0].pin(VgicCpu.IRQ_PIN) ? 1 : 0);
        line(gic, FIRST, 1);
        assertTrue(gic.vcpus[0].pin(VgicCpu.IRQ_PIN));
        assertEquals(FIRST, gic.acknowledge(gic.vcpus[0]));
        line(gic, FIRST, 0);
        gic.end(gic.vcpus[0], FIRST);
        assertEquals(TestGic.SPURIOUS, gic.acknowledge(gic.vcpus[0]));
      }
    }
  }

  /** Its line is still high at its end: it pends at once, and does not rest. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aLineThatStaysHighPendsAgain(boolean v3) throws KvmException {
    try (TestGic gic = inGuest(v3)) {
      line(gic, FIRST, 1);
      for (int i = 0; i < 3; i++) {
        assertEquals(FIRST, gic.acknowledge(gic.vcpus[0]));
        gic.end(gic.vcpus[0], FIRST);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void oneThatWasDisabledDoesNotComeAgain(boolean v3) throws KvmException {
    try (TestGic gic = inGuest(v3)) {
      Vcpu vcpu = gic.vcpus[0];
      line(gic, FIRST, 1);
      assertEquals(FIRST, gic.acknowledge(vcpu));
      vcpu.write(gic.own(0x180), 4, 1L << FIRST);
      line(gic, FIRST, 0);
      gic.end(vcpu, FIRST);
      line(gic, FIRST, 1);
      assertEquals(TestGic.SPURIOUS, gic.acknowledge(vcpu));
      vcpu.write(gic.own(0x100), 4, 1L << FIRST);
      assertEquals(FIRST, gic.acknowledge(vcpu));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void noneComesAgainWhileTheDistributorIsOff(boolean v3) throws KvmException {
    try (TestGic gic = inGuest(v3)) {
      line(gic, FIRST, 1);
      assertEquals(FIRST, gic.acknowledge(gic.vcpus[0]));
      distributor(gic, v3, false);
      line(gic, FIRST, 0);
      gic.end(gic.vcpus[0], FIRST);
      line(gic, FIRST, 1);
      assertEquals(TestGic.SPURIOUS, gic.acknowledge(gic.vcpus[0]));
      // As in the kernel, it is the line that makes it due, not the distributor.
      distributor(gic, v3, true);
      line(gic, FIRST, 0);
      line(gic, FIRST, 1);
      assertEquals(FIRST, gic.acknowledge(gic.vcpus[0]));
    }
  }

  /** What it had displaced is in a list register again, and stays there when the GIC is off. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatItDisplacedIsBackBeforeTheDistributorIsOff(boolean v3) throws KvmException {
    try (TestGic gic = inGuest(v3);
        TestGic looked = inGuest(v3)) {
      fill(gic);
      fill(looked);
      String before = ListRegistersTest.settledRegisters(gic);
      come(gic, FIRST);
      come(looked, FIRST);
      assertEquals(before, ListRegistersTest.settledRegisters(looked));
      distributor(gic, v3, false);
      distributor(looked, v3, false);
      assertEquals(drain(looked), drain(gic));
    }
  }

  /** A line that the host drives, a PMU's say, is not the client's. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theHostsOwnLineIsNotTheClients(boolean v3) throws KvmException {
    try (TestGic gic = inGuest(v3)) {
      Vcpu vcpu = gic.vcpus[0];
      gic.vgic().cpu(0).own[FIRST].owner = this;
      vcpu.write(gic.own(0x200), 4, 1L << FIRST);
      assertEquals(FIRST, gic.acknowledge(vcpu));
      gic.end(vcpu, FIRST);
      line(gic, FIRST, 1);
      assertEquals(TestGic.SPURIOUS, gic.acknowledge(vcpu));
    }
  }

  /** What had waited for a list register has the one that the PPI leaves. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void oneThatWaitsIsMoreUrgentNow(boolean v3) throws KvmException {
    try (TestGic gic = inGuest(v3)) {
      fill(gic);
      Vcpu vcpu = gic.vcpus[0];
      int last = SPI + MANY - 1;
      vcpu.write(gic.own(0x400 + FIRST), 1, 0x40);
      line(gic, FIRST, 1);
      assertEquals(FIRST, gic.acknowledge(vcpu));
      gic.vcpus[1].write(TestGic.DISTRIBUTOR + 0x400 + last, 1, 0x20);
      line(gic, FIRST, 0);
      gic.end(vcpu, FIRST);
      line(gic, FIRST, 1);
      assertEquals(last, gic.acknowledge(vcpu));
    }
  }

  /** What it displaced is of another group, which alone is signalled. */
  @Test
  void whatItDisplacedIsSignalledByAnotherPin() throws KvmException {
    try (TestGic gic = inGuest(true)) {
      Vcpu vcpu = gic.vcpus[0];
      int other = SPI + gic.vgic().host.listRegisters - 1;
      long groups = TestGic.DISTRIBUTOR + 0x80 + SPI / 8;
      vcpu.write(groups, 4, ~(1L << other - SPI) & 0xffff_ffffL);
      vcpu.write(gic.own(0x80), 4, ~(1L << FIRST) & 0xffff_ffffL);
      vcpu.write(TestGic.DISTRIBUTOR, 4, 3);
      fill(gic);
      gic.write(vcpu, "ICC_IGRPEN1_EL1", 0);
      gic.write(vcpu, "ICC_IGRPEN0_EL1", 1);
      line(gic, FIRST, 1);
      assertEquals(FIRST, gic.read(vcpu, "ICC_IAR0_EL1"));
      line(gic, FIRST, 0);
      gic.write(vcpu, "ICC_EOIR0_EL1", FIRST);
      assertTrue(vcpu.pin(VgicCpu.FIQ_PIN));
      assertEquals(other, gic.read(vcpu, "ICC_IAR0_EL1"));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anotherLineComesBetween(boolean v3) throws KvmException {
    for (boolean full : new boolean[] {false, true}) {
      try (TestGic gic = inGuest(v3);
          TestGic looked = inGuest(v3)) {
        if (full) {
          fill(gic);
          fill(looked);
        }
        come(gic, FIRST);
        come(looked, FIRST);
        for (int intid : new int[] {SECOND, FIRST}) {
          ListRegistersTest.settledRegisters(looked);
          line(looked, intid, 1);
          line(gic, intid, 1);
        }
        assertEquals(
            ListRegistersTest.settledRegisters(looked), ListRegistersTest.settledRegisters(gic));
        for (int i = 0; i < 2; i++) {
          int intid = gic.acknowledge(gic.vcpus[0]);
          assertEquals(looked.acknowledge(looked.vcpus[0]), intid);
          for (TestGic each : new TestGic[] {gic, looked}) {
            line(each, intid, 0);
            each.end(each.vcpus[0], intid);
          }
          assertEquals(looked.vcpus[0].pin(VgicCpu.IRQ_PIN), gic.vcpus[0].pin(VgicCpu.IRQ_PIN));
        }
        assertEquals(full ? MANY : 0, drain(gic));
      }
    }
  }
}
