package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.kvmdev.devices.vgic.GuestSteps.step;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.devices.vgic.GuestSteps.Step;

/**
 * Where one interrupt alone changed while the guest runs, the list registers come to what an exit
 * and an entry make of them: the same guest runs on a GIC beside, in which each change is a whole
 * turn.
 */
class WholeTurnTest {
  private static final int STEPS = 20_000;
  private static final int FIRST_SPI = 32;
  private static final int FIRST_PPI = 20;
  private static final int DEEPEST = 5;

  /** Seems to be enabled again and again, after which all list registers are filled anew. */
  private static final class Turning extends Vgic {
    private int turns;

    Turning(Machine machine) {
      super(machine);
    }

    @Override
    int enableCount() {
      return turns++;
    }
  }

  private final GuestSteps steps = new GuestSteps(DEEPEST);

  @ParameterizedTest
  @CsvSource({
    "true, 4, 2, 1", "true, 4, 2, 2", "true, 4, 5, 3", "true, 4, 5, 4", "true, 4, 12, 5",
    "true, 1, 5, 6", "true, 2, 5, 7", "true, 3, 5, 8", "true, 16, 12, 9", "true, 16, 40, 10",
    "false, 4, 2, 1", "false, 4, 2, 2", "false, 4, 5, 3", "false, 4, 5, 4", "false, 4, 12, 5",
    "false, 1, 5, 6", "false, 2, 5, 7", "false, 3, 5, 8", "false, 16, 12, 9", "false, 16, 40, 10"
  })
  void a_single_change_comes_to_what_a_whole_turn_does(
      boolean v3, int listRegisters, int spis, int seed) throws KvmException {
    Random random = new Random(seed);
    Random looks = new Random(seed);
    try (TestGic gic = new TestGic(new VariantProvider(Vgic::new, listRegisters), v3, 2, true);
        TestGic turning =
            new TestGic(new VariantProvider(Turning::new, listRegisters), v3, 2, true)) {
      List<Integer> ended = listen(gic);
      List<Integer> endedByTurns = listen(turning);
      for (TestGic each : List.of(gic, turning)) {
        each.vcpus[0].enter();
        for (int intid = FIRST_SPI; intid < FIRST_SPI + spis; intid += 2) {
          each.levelSensitive(intid);
        }
      }
      for (int step = 0; step < STEPS; step++) {
        Step next = next(random, v3, spis);
        String at = "step " + step;
        assertEquals(next.on(turning, turning.vcpus[0]), next.on(gic, gic.vcpus[0]), at);
        assertEquals(turning.vcpus[0].pin(VgicCpu.IRQ_PIN), gic.vcpus[0].pin(VgicCpu.IRQ_PIN), at);
        assertEquals(endedByTurns, ended, at);
        // To look is to make up for what was put off.
        if (looks.nextInt(3) == 0) {
          assertEquals(
              ListRegistersTest.settledRegisters(turning),
              ListRegistersTest.settledRegisters(gic),
              at);
        }
      }
      gic.vcpus[0].exit();
      turning.vcpus[0].exit();
    }
  }

  /** The pins whose interrupts ended. */
  private static List<Integer> listen(TestGic gic) {
    List<Integer> ended = new ArrayList<>();
    for (int pin = 0; pin < 16; pin++) {
      int each = pin;
      gic.vm.onAcked(0, pin, () -> ended.add(each));
    }
    return ended;
  }

  private Step next(Random random, boolean v3, int spis) {
    int spi = FIRST_SPI + random.nextInt(spis);
    int bit = 1 << spi % 32;
    boolean high = random.nextInt(3) != 0;
    int few = random.nextInt(4);
    // Its own accesses to the distributor make a vCPU leave the guest, another's do not.
    int writer = random.nextInt(4) == 0 ? 0 : 1;
    int kind = random.nextInt(44);
    return switch (kind) {
      case 0, 1, 2, 3, 4, 5, 6, 7 -> step((gic, vcpu) -> gic.line(spi, high));
      case 8, 9, 10, 11 -> step((gic, vcpu) -> GuestSteps.line(gic, FIRST_PPI + few, high));
      case 12, 13, 14, 15 -> step((gic, vcpu) -> gic.sgiToItself(vcpu, few));
      case 16, 17, 18 -> write(writer, TestGic.DISTRIBUTOR + 0x400 + spi, 1, few << 5);
      case 19 -> write(writer, TestGic.DISTRIBUTOR + 0x204, 4, bit);
      case 40 -> write(writer, TestGic.DISTRIBUTOR + 0x284, 4, bit);
      case 41, 42, 43 -> (gic, vcpu) -> gic.vcpus[writer].read(TestGic.DISTRIBUTOR + 0x304, 4);
      case 20 -> step((gic, vcpu) -> gic.priorityMask(vcpu, few == 0 ? 0x20 : 0xff));
      case 21 -> step((gic, vcpu) -> gic.signals(vcpu, few != 0));
      case 22 ->
          step(
              (gic, vcpu) -> {
                vcpu.exit();
                vcpu.enter();
              });
      case 23, 24, 25, 26, 27, 28, 29, 30 -> steps.end(few != 0);
      default -> steps.acknowledge();
    };
  }

  private static Step write(int writer, long address, int size, long value) {
    return step((gic, vcpu) -> gic.vcpus[writer].write(address, size, value));
  }
}
