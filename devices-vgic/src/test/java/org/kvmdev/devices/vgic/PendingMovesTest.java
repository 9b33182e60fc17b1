package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/** Interrupts that leave a vCPU's queue, or nearly do, while others are in the guest. */
class PendingMovesTest {
  private static final int FIRST = 40;
  private static final int SECOND = 41;

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void two_that_change_places_arrive(boolean v3) throws KvmException {
    try (TestGic gic = new TestGic(v3, 2)) {
      Vcpu one = gic.vcpus[0];
      Vcpu other = gic.vcpus[1];
      one.enter();
      gic.route(one, FIRST, 0);
      gic.route(one, SECOND, 1);
      other.enter();
      gic.line(FIRST, true);
      gic.line(SECOND, true);
      gic.route(one, SECOND, 0);
      gic.route(one, FIRST, 1);
      // What leaves here arrives there, and makes what is there leave for here.
      one.exit();
      one.enter();
      assertEquals(SECOND, gic.acknowledge(one));
      assertEquals(FIRST, gic.acknowledge(other));
      one.exit();
      other.exit();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void disabled_and_enabled_between_two_entries_stays(boolean v3) throws KvmException {
    try (TestGic gic = new TestGic(v3, 1)) {
      Vcpu vcpu = gic.vcpus[0];
      gic.line(FIRST, true);
      gic.device.set(1, 0x180 + FIRST / 32 * 4, 1L << FIRST % 32);
      gic.device.set(1, 0x100 + FIRST / 32 * 4, 1L << FIRST % 32);
      vcpu.enter();
      gic.line(SECOND, true);
      vcpu.exit();
      vcpu.enter();
      assertEquals(FIRST, gic.acknowledge(vcpu));
      gic.end(vcpu, FIRST);
      assertEquals(SECOND, gic.acknowledge(vcpu));
      vcpu.exit();
    }
  }
}
