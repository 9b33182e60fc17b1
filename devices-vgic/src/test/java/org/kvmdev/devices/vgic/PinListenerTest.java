package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/** What a vCPU's pins do, and what becomes of a listener's mistake. */
@Timeout(value = 20, unit = TimeUnit.SECONDS)
class PinListenerTest {
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void the_pin_is_high_while_an_interrupt_can_be_taken(boolean v3) throws KvmException {
    try (TestGic gic = new TestGic(v3, 1)) {
      Vcpu vcpu = gic.vcpus[0];
      vcpu.enter();
      assertFalse(vcpu.pin(0));
      gic.line(40, true);
      assertTrue(vcpu.pin(0));
      assertEquals(40, gic.acknowledge(vcpu));
      assertFalse(vcpu.pin(0));
      gic.line(40, true);
      assertFalse(vcpu.pin(0), "its priority runs");
      gic.end(vcpu, 40);
      assertTrue(vcpu.pin(0), "it came again meanwhile");
      vcpu.exit();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void the_pin_goes_high_outside_the_guest_too(boolean v3) throws KvmException {
    try (TestGic gic = new TestGic(v3, 1)) {
      Vcpu vcpu = gic.vcpus[0];
      gic.line(40, true);
      assertTrue(vcpu.pin(0));
      vcpu.enter();
      assertEquals(40, gic.acknowledge(vcpu));
      vcpu.exit();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_listener_that_throws_leaves_no_lock_behind(boolean v3) throws KvmException {
    try (TestGic gic = new TestGic(v3, 1)) {
      Vcpu vcpu = gic.vcpus[0];
      vcpu.onPin(
          (pin, high) -> {
            throw new IllegalStateException("a listener's mistake");
          });
      vcpu.enter();
      assertThrows(KvmException.class, () -> gic.line(40, true));
      vcpu.onPin((pin, high) -> {});
      gic.line(41, true);
      assertEquals(40, gic.acknowledge(vcpu));
      gic.end(vcpu, 40);
      assertEquals(41, gic.acknowledge(vcpu));
      vcpu.exit();
    }
  }
}
