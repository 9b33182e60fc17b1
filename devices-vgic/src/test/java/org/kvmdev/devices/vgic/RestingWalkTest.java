package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.kvmdev.devices.vgic.GuestSteps.line;
import static org.kvmdev.devices.vgic.GuestSteps.step;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kvmdev.api.KvmException;
import org.kvmdev.devices.vgic.GuestSteps.Step;
import org.kvmdev.runtime.Vcpu;

/**
 * Whatever comes between the end of a PPI and its next rise, nobody sees that something was put off
 * ({@link RestingTest} has the cases that can be named): the same happens to a GIC beside, which is
 * made to do it at once.
 */
class RestingWalkTest {
  private static final int STEPS = 20_000;
  private static final int FIRST_PPI = 20;
  private static final int FIRST_SPI = 32;
  private static final int DEEPEST = 4;

  /** The priority of SPIs, above which most PPIs are. */
  private static final int COMMON = 0x80;

  // Registers that GICD and GICR_SGI have at the same offsets.
  private static final int ISENABLER = 0x100;
  private static final int ICENABLER = 0x180;
  private static final int ISPENDR = 0x200;
  private static final int ICPENDR = 0x280;
  private static final int ISACTIVER = 0x300;
  private static final int ICACTIVER = 0x380;
  private static final int IPRIORITYR = 0x400;

  private final GuestSteps steps = new GuestSteps(DEEPEST);

  @ParameterizedTest
  @CsvSource({
    "true, 4, 2, 1", "true, 4, 4, 2", "true, 4, 12, 3", "true, 4, 12, 4",
    "true, 1, 4, 5", "true, 2, 4, 6", "true, 3, 12, 7", "true, 16, 12, 8",
    "false, 4, 2, 1", "false, 4, 4, 2", "false, 4, 12, 3", "false, 4, 12, 4",
    "false, 1, 4, 5", "false, 2, 4, 6", "false, 3, 12, 7", "false, 16, 12, 8"
  })
  void what_is_put_off_is_seen_by_nobody(boolean v3, int listRegisters, int spis, int seed)
      throws KvmException {
    Random random = new Random(seed);
    Random looks = new Random(seed);
    VariantProvider provider = new VariantProvider(Vgic::new, listRegisters);
    try (TestGic gic = new TestGic(provider, v3, 2, true);
        TestGic prompt = new TestGic(provider, v3, 2, true)) {
      for (TestGic each : List.of(gic, prompt)) {
        for (Vcpu vcpu : each.vcpus) {
          vcpu.enter();
        }
        for (int intid = FIRST_SPI; intid < FIRST_SPI + spis; intid += 2) {
          each.levelSensitive(intid);
        }
        for (int intid = FIRST_SPI; intid < FIRST_SPI + spis; intid++) {
          each.priority(intid, COMMON);
        }
      }
      for (int i = 0; i < STEPS; i++) {
        Step step = next(random, spis);
        String at = "step " + i;
        long outcome = step.on(gic, gic.vcpus[0]);
        assertEquals(step.on(prompt, prompt.vcpus[0]), outcome, at);
        String state = state(prompt, spis);
        if (looks.nextInt(8) == 0) {
          assertEquals(state, state(gic, spis), at);
        }
        for (int cpu = 0; cpu < gic.vcpus.length; cpu++) {
          assertEquals(
              prompt.vcpus[cpu].pin(VgicCpu.IRQ_PIN), gic.vcpus[cpu].pin(VgicCpu.IRQ_PIN), at);
        }
      }
    }
  }

  /** All that there is of the interrupts, after what was put off is done. */
  private static String state(TestGic gic, int spis) {
    StringBuilder state = new StringBuilder(ListRegistersTest.settledRegisters(gic));
    VgicCpu cpu = gic.vgic().cpu(0);
    for (int intid = 0; intid < FIRST_SPI + spis; intid++) {
      Interrupt irq = intid < Interrupt.PRIVATE ? cpu.own[intid] : gic.vgic().spi(intid);
      state
          .append("; ")
          .append(irq)
          .append(irq.line ? " line" : "")
          .append(irq.latch ? " latch" : "")
          .append(irq.active ? " active" : "")
          .append(irq.queued ? " queued" : "")
          .append(irq.filledPending ? " filled" : "");
    }
    return state.toString();
  }

  private Step next(Random random, int spis) {
    int few = random.nextInt(4);
    int ppi = FIRST_PPI + few / 2;
    int bit = 1 << ppi;
    int spi = FIRST_SPI + random.nextInt(spis);
    boolean high = random.nextInt(3) != 0;
    int priority = few == 0 ? 0x10 : COMMON + (few << 4);
    int mask = few == 0 ? 0x20 : few == 1 ? COMMON + 0x10 : 0xff;
    int writer = random.nextInt(2);
    return switch (random.nextInt(44)) {
      case 0, 1, 2 -> step((gic, vcpu) -> line(gic, ppi, high));
      case 3, 4 -> steps.acknowledge();
      case 5, 6 -> steps.end(few != 0);
      case 7, 8 -> step((gic, vcpu) -> gic.line(spi, high));
      case 9 -> step((gic, vcpu) -> gic.sgiToItself(vcpu, few));
      case 10 -> step((gic, vcpu) -> sgiFromOther(gic, few));
      case 11 -> write(writer, IPRIORITYR + ppi, 1, few << 5);
      case 12 -> write(writer, ICENABLER, 4, bit);
      case 13, 14 -> write(writer, ISENABLER, 4, bit);
      case 15 -> write(writer, ISPENDR, 4, bit);
      case 16 -> write(writer, ICPENDR, 4, bit);
      case 17 -> write(writer, ISACTIVER, 4, bit);
      case 18, 19 -> write(writer, ICACTIVER, 4, bit);
      case 20 -> (gic, vcpu) -> read(gic, writer, few < 2 ? ISPENDR : ISACTIVER, 4);
      case 21 -> step((gic, vcpu) -> gic.route(gic.vcpus[1], spi, few & 1));
      case 22 -> step((gic, vcpu) -> gic.vcpus[writer].write(at(IPRIORITYR + spi), 1, priority));
      case 23 -> step((gic, vcpu) -> distributor(gic, false));
      case 24, 25 -> step((gic, vcpu) -> distributor(gic, true));
      case 26 -> step((gic, vcpu) -> gic.priorityMask(vcpu, mask));
      case 27 -> step((gic, vcpu) -> gic.signals(vcpu, few != 0));
      case 28 -> step(RestingWalkTest::leaveAndEnter);
      default -> (gic, vcpu) -> cycle(gic, vcpu, ppi);
    };
  }

  private static long at(int offset) {
    return TestGic.DISTRIBUTOR + offset;
  }

  /** Rise, acknowledgement, fall, end; what is acknowledged can be another that is more urgent. */
  private static long cycle(TestGic gic, Vcpu vcpu, int ppi) throws KvmException {
    line(gic, ppi, true);
    int taken = gic.acknowledge(vcpu);
    line(gic, ppi, false);
    if (taken != TestGic.SPURIOUS) {
      gic.end(vcpu, taken);
    }
    return taken;
  }

  private static void leaveAndEnter(TestGic gic, Vcpu vcpu) throws KvmException {
    vcpu.exit();
    vcpu.enter();
  }

  private static void distributor(TestGic gic, boolean on) throws KvmException {
    gic.vcpus[1].write(TestGic.DISTRIBUTOR, 4, !on ? 0 : gic.v3 ? 2 : 1);
  }

  private static void sgiFromOther(TestGic gic, int intid) throws KvmException {
    Vcpu other = gic.vcpus[1];
    if (gic.v3) {
      gic.write(other, "ICC_SGI1R_EL1", 1 | (long) intid << 24);
    } else {
      other.write(at(0xf00), 4, 1 << 16 | intid);
    }
  }

  private static long read(TestGic gic, int reader, int offset, int size) throws KvmException {
    return gic.vcpus[gic.v3 ? reader : 0].read(gic.own(offset), size);
  }

  private static Step write(int writer, int offset, int size, int value) {
    return step((gic, vcpu) -> gic.vcpus[gic.v3 ? writer : 0].write(gic.own(offset), size, value));
  }
}
