package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/**
 * A VM restored from another's snapshot goes on as the other does. Each interrupt has a priority of
 * its own, since the order in which equally urgent ones came is no state that KVM saves.
 */
class SaveRestoreTest {
  private static final int SPIS = 30;

  private static void stir(TestGic gic, Random random) throws KvmException {
    Vcpu vcpu = gic.vcpus[0];
    vcpu.enter();
    if (gic.v3) {
      vcpu.write(TestGic.REDISTRIBUTORS + 0x70, 8, 0x4000_058fL);
    }
    int first = random.nextInt(SPIS);
    for (int i = 0; i < SPIS; i++) {
      gic.priority(32 + (first + i * 7) % SPIS, i << 3);
    }
    for (int i = 0; i < 200; i++) {
      int intid = 32 + random.nextInt(SPIS);
      switch (random.nextInt(6)) {
        case 0, 1, 2 -> gic.line(intid, random.nextBoolean());
        case 3 -> gic.levelSensitive(intid);
        case 4 -> gic.route(vcpu, intid, random.nextInt(2));
        default -> gic.acknowledge(vcpu);
      }
      if (i % 50 == 0) {
        sgi(gic, vcpu, 3);
      }
    }
    vcpu.exit();
  }

  /** An SGI for the second vCPU, which on a GICv3 has it disabled. */
  private static void sgi(TestGic gic, Vcpu vcpu, int intid) throws KvmException {
    if (gic.v3) {
      vcpu.write(TestGic.REDISTRIBUTORS + 0x2_0000 + 0x1_0180, 4, 1L << intid);
      gic.write(vcpu, "ICC_SGI1R_EL1", 2 | (long) intid << 24);
    } else {
      vcpu.write(TestGic.DISTRIBUTOR + 0xf00, 4, 0x2_0000 | intid);
    }
  }

  private static String goOn(TestGic gic) throws KvmException {
    StringBuilder text = new StringBuilder();
    for (Vcpu vcpu : gic.vcpus) {
      for (int i = 0; i < 100; i++) {
        vcpu.enter();
        int acknowledged = gic.acknowledge(vcpu);
        text.append(acknowledged).append(' ');
        vcpu.exit();
        vcpu.enter();
        gic.end(vcpu, acknowledged);
        vcpu.exit();
      }
      for (int at = 0; at < TestGic.INTERRUPTS / 8; at += 4) {
        vcpu.enter();
        for (int register = 0x80; register <= 0x300; register += 0x80) {
          text.append(vcpu.read(TestGic.DISTRIBUTOR + register + at, 4)).append(' ');
        }
        vcpu.exit();
      }
    }
    return text.toString();
  }

  @ParameterizedTest
  @CsvSource({"true, 1", "true, 2", "true, 3", "false, 1", "false, 2", "false, 3"})
  void goes_on_as_the_saved_one(boolean v3, int seed) throws KvmException {
    try (TestGic saved = new TestGic(v3, 2);
        TestGic restored = new TestGic(v3, 2, false)) {
      stir(saved, new Random(seed));
      restored.vm.restore(saved.vm.save());
      assertEquals(saved.vm.save(), restored.vm.save());
      if (!v3) {
        restored.driveLinesOf(saved);
      }
      assertEquals(goOn(saved), goOn(restored));
    }
  }
}
