package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/** User space gets at no register while a vCPU runs: EBUSY, and nothing is left stopped. */
class RunningVcpuTest {
  /** What is done while a vCPU is in the guest on another thread. */
  private static void whileRuns(Vcpu vcpu, Executable body) throws Throwable {
    Race race = new Race(30);
    CountDownLatch entered = new CountDownLatch(1);
    race.start(
        "vCPU",
        () -> {
          vcpu.enter();
          entered.countDown();
          while (race.goesOn()) {
            Thread.yield();
          }
          vcpu.exit();
        });
    entered.await();
    try {
      body.execute();
    } finally {
      assertNull(race.finish());
    }
  }

  private static void assertBusy(Executable access) {
    assertEquals(Errno.EBUSY, assertThrows(KvmException.class, access).errno());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void registers_are_busy_whichever_vCPU_runs(boolean v3) throws Throwable {
    try (TestGic gic = new TestGic(v3, 3)) {
      long enables = gic.device.get(1, 0x104);
      for (Vcpu running : gic.vcpus) {
        whileRuns(
            running,
            () -> {
              assertBusy(() -> gic.device.get(1, 0x104));
              assertBusy(() -> gic.device.set(1, 0x104, 1));
              if (v3) {
                assertBusy(() -> gic.device.get(5, 0x1_0100));
                assertBusy(() -> gic.device.set(5, 0x1_0100, 1));
                assertBusy(() -> gic.device.get(6, 0xc230));
                assertBusy(() -> gic.device.get(7, 32));
                assertBusy(() -> gic.device.set(7, 32, 1));
                assertBusy(() -> gic.device.set(4, 3, 0));
              } else {
                assertBusy(() -> gic.device.get(2, 0));
                assertBusy(() -> gic.device.set(2, 4, 0x1f));
              }
              // Lines are driven, and others run, all the time.
              gic.line(40, true);
              for (Vcpu other : gic.vcpus) {
                if (other != running) {
                  other.run();
                }
              }
            });
        assertEquals(enables, gic.device.get(1, 0x104));
      }
      gic.vcpus[0].enter();
      assertEquals(40, gic.acknowledge(gic.vcpus[0]));
      gic.vcpus[0].exit();
    }
  }

  @Test
  void an_ITS_is_busy_too() throws Throwable {
    try (TestIts its = new TestIts(2)) {
      whileRuns(
          its.gic.vcpus[0],
          () -> {
            assertBusy(() -> its.its.get(8, 0));
            assertBusy(() -> its.its.set(8, 0, 0));
            assertBusy(() -> its.its.set(4, 1, 0));
            assertBusy(() -> its.its.set(4, 2, 0));
            assertBusy(() -> its.its.set(4, 4, 0));
            // Commands run and messages arrive all the time.
            its.configure(TestIts.FIRST_LPI, 0, true);
            its.mapDevice(1, 4);
            its.mapEvent(1, 0, TestIts.FIRST_LPI, 1);
            assertEquals(1, its.signal(1, 0));
          });
      assertEquals(TestIts.FIRST_LPI, its.take(1));
      its.its.set(4, 1, 0);
      assertEquals(1, its.register(TestIts.CTLR) & 1);
    }
  }
}
