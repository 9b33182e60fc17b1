package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/** The words that are kept for reads say what the interrupts say one by one. */
class InterruptBankTest {
  private static void check(InterruptBank bank, String what) {
    for (int i = 0; i < InterruptBank.SIZE; i++) {
      Interrupt irq = bank.interrupts[i];
      assertEquals(irq.enabled, (bank.enabled() >>> i & 1) != 0, what + ": enable of " + irq);
      assertEquals(irq.group1, (bank.group1() >>> i & 1) != 0, what + ": group of " + irq);
      assertEquals(irq.edge, (bank.edge() >>> i & 1) != 0, what + ": trigger of " + irq);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void words_are_what_the_interrupts_are(boolean v3) throws KvmException {
    Random random = new Random(5);
    int[] registers = {0x80, 0x100, 0x180, 0xc00};
    try (TestGic gic = new TestGic(v3, 2, false)) {
      Vcpu vcpu = gic.vcpus[1];
      vcpu.enter();
      for (int step = 0; step < 2000; step++) {
        int word = random.nextInt(TestGic.INTERRUPTS / 32);
        int register = registers[random.nextInt(registers.length)];
        int half = register == 0xc00 ? 2 * word + random.nextInt(2) : word;
        long value = random.nextInt() & 0xffff_ffffL;
        long base =
            v3 && word == 0 ? TestGic.REDISTRIBUTORS + 0x2_0000L + 0x1_0000 : TestGic.DISTRIBUTOR;
        vcpu.write(base + register + 4 * half, 4, value);
        VgicCpu cpu = gic.vgic().cpu(1);
        check(word == 0 ? cpu.bank : gic.vgic().bank(word * 32), "step " + step);
      }
      vcpu.exit();
    }
  }
}
