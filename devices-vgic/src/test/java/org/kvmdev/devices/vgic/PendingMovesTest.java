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
}
