package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/** An interrupt that is rerouted while it waits is taken once, where it goes in the end. */
class ReroutingTest {
  private static final int CPUS = 3;
  private static final int FIRST = 40;
  private static final int SPIS = 32;

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void an_interrupt_that_is_routed_away_and_back_stays(boolean v3) throws KvmException {
    try (TestGic gic = new TestGic(v3, 2)) {
      Vcpu vcpu = gic.vcpus[0];
      gic.line(40, true);
      gic.route(gic.vcpus[1], 40, 1);
      gic.route(gic.vcpus[1], 40, 0);
      vcpu.enter();
      gic.line(41, true);
      assertEquals(40, gic.acknowledge(vcpu));
      gic.end(vcpu, 40);
      assertEquals(41, gic.acknowledge(vcpu));
      gic.end(vcpu, 41);
      assertEquals(TestGic.SPURIOUS, gic.acknowledge(vcpu));
      vcpu.exit();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void an_interrupt_that_is_masked_and_unmasked_stays(boolean v3) throws KvmException {
    try (TestGic gic = new TestGic(v3, 2)) {
      Vcpu vcpu = gic.vcpus[0];
      gic.line(40, true);
      gic.vcpus[1].write(TestGic.DISTRIBUTOR + 0x184, 4, 1L << 8);
      gic.vcpus[1].write(TestGic.DISTRIBUTOR + 0x104, 4, 1L << 8);
      vcpu.enter();
      gic.line(41, true);
      assertEquals(40, gic.acknowledge(vcpu));
      vcpu.exit();
    }
  }

  /**
   * Many interrupts leave a queue at once, and are routed back and injected again before they have
   * all arrived; who moves them must neither meet those who do that, nor hold a lock that they
   * need.
   */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void interrupts_that_move_at_once_all_arrive(boolean v3) throws Exception {
    try (TestGic gic = new TestGic(v3, CPUS + 2)) {
      Race race = new Race(30);
      for (int cpu = 0; cpu < CPUS; cpu++) {
        Vcpu vcpu = gic.vcpus[cpu];
        race.start("vCPU " + cpu, () -> enterAndExit(race, vcpu));
      }
      Thread[] routers = new Thread[2];
      for (int router = 0; router < 2; router++) {
        Random random = new Random(router);
        Vcpu writer = gic.vcpus[CPUS + router];
        routers[router] = race.start("router " + router, () -> reroute(race, gic, writer, random));
      }
      for (Thread router : routers) {
        race.join(router);
      }
      assertNull(race.finish());
      for (int intid = FIRST; intid < FIRST + SPIS; intid++) {
        gic.route(gic.vcpus[CPUS], intid, 0);
        gic.line(intid, true);
      }
      for (int cpu = 0; cpu < CPUS; cpu++) {
        gic.vcpus[cpu].run();
      }
      Vcpu vcpu = gic.vcpus[0];
      BitSet taken = new BitSet();
      vcpu.enter();
      for (int intid = gic.acknowledge(vcpu);
          intid != TestGic.SPURIOUS;
          intid = gic.acknowledge(vcpu)) {
        assertFalse(taken.get(intid), "SPI " + intid + " was taken twice");
        taken.set(intid);
        gic.end(vcpu, intid);
      }
      vcpu.exit();
      assertEquals(SPIS, taken.cardinality(), () -> "taken: " + taken);
    }
  }

  private static void reroute(Race race, TestGic gic, Vcpu writer, Random random)
      throws KvmException {
    for (int step = 0; step < 40_000 && race.goesOn(); step++) {
      int intid = FIRST + random.nextInt(SPIS);
      gic.route(writer, intid, random.nextInt(CPUS));
      gic.line(FIRST + random.nextInt(SPIS), true);
    }
  }

  private static void enterAndExit(Race race, Vcpu vcpu) throws KvmException {
    while (race.goesOn()) {
      vcpu.enter();
      vcpu.exit();
      Thread.yield();
    }
  }
}
