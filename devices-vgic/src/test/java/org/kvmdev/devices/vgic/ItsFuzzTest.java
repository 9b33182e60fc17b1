package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Device;

/** A guest that writes at random what hurts an ITS: commands, tables and registers. */
class ItsFuzzTest {
  private static final long SEED = Long.getLong("kvmdev.its.seed", 20260723);
  private static final int ROUNDS = Integer.getInteger("kvmdev.its.rounds", 300);
  private static final int SIZE = 0x40_0000;
  private static final long RAM = 0x4000_0000L;
  private static final long ITS = 0x900_0000L;
  private static final int QUEUE = 0x10_0000;

  private final TestRam memory = new TestRam(SIZE);
  private final ByteBuffer ram = memory.bytes;
  private final Random random = new Random(SEED);

  @Test
  void survivesRandomCommandsAndTables() throws KvmException {
    System.out.println("ItsFuzzTest: kvmdev.its.seed=" + SEED + ", " + ROUNDS + " rounds");
    int delivered = 0;
    try (TestGic gic = new TestGic(true, 2)) {
      Device its = gic.vm.createDevice(8);
      its.set(0, 4, ITS);
      gic.vm.setMemory(0, 0, RAM, SIZE, memory, 0);
      for (int round = 0; round < ROUNDS; round++) {
        delivered += round(gic, its);
      }
    }
    assertTrue(delivered > 0, () -> "no message was ever delivered with seed " + SEED);
  }

  private int round(TestGic gic, Device its) throws KvmException {
    int delivered = 0;
    var vcpu = gic.vcpus[random.nextInt(2)];
    vcpu.enter();
    vcpu.write(TestGic.REDISTRIBUTORS + random.nextInt(2) * 0x2_0000L, 4, random.nextInt(8) & 1);
    vcpu.write(TestGic.REDISTRIBUTORS + 0x70, 8, RAM + 0x20_0000 | 15);
    vcpu.write(ITS + 0x100, 8, 1L << 63 | (random.nextInt(4) == 0 ? 1L << 62 : 0) | RAM);
    vcpu.write(ITS + 0x108, 8, 1L << 63 | RAM + 0x8_0000);
    vcpu.write(ITS + 0x80, 8, 1L << 63 | RAM + QUEUE | 0xf);
    vcpu.write(ITS, 4, random.nextInt(8) == 0 ? 0 : 1);
    int commands = random.nextInt(64);
    for (int i = 0; i < commands; i++) {
      int at = QUEUE + i * 32;
      int command = 1 + random.nextInt(15);
      long table = command == 8 ? RAM + 0x30_0000 : 0;
      ram.putLong(at, (long) small() << 32 | command);
      ram.putLong(at + 8, (long) (8192 + small()) << 32 | small());
      ram.putLong(at + 16, random.nextLong() & 0x8000_0000_0001_0003L | table);
      ram.putLong(at + 24, (long) random.nextInt(3) << 16);
    }
    ram.put(0x20_0000 + random.nextInt(64), (byte) random.nextInt());
    ram.putLong(random.nextInt(64) * 8, random.nextLong());
    vcpu.write(ITS + 0x88, 8, commands * 32L);
    vcpu.read(vcpu == gic.vcpus[0] ? ITS : ITS + 0x90, 4);
    gic.read(vcpu, "ICC_IAR1_EL1");
    vcpu.exit();
    for (int i = 0; i < 8; i++) {
      try {
        delivered += gic.vm.signalMsi(ITS + 0x1_0040, random.nextInt(8), random.nextInt(8), 1);
      } catch (KvmException refused) {
        // A refusal is an answer.
      }
    }
    try {
      gic.device.set(4, 3, 0);
      its.set(4, random.nextInt(8) == 0 ? 4 : 1 + random.nextInt(2), 0);
    } catch (KvmException refused) {
      // A refusal is an answer.
    }
    return delivered;
  }

  /** Mostly a small number, so that commands meet; now and then anything. */
  private int small() {
    return random.nextInt(16) == 0 ? random.nextInt() : random.nextInt(8);
  }
}
