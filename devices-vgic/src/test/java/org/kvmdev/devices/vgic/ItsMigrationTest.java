package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Snapshot;
import org.kvmdev.runtime.Vcpu;

/**
 * A VM with an ITS, restored from another's snapshot and memory, goes on as the other does. Each
 * LPI has a priority of its own, and none is active when the VM is saved: neither the order in
 * which equally urgent ones came nor what is active is state that KVM saves of LPIs.
 */
class ItsMigrationTest {
  private static final int LPIS = 30;
  private static final int FIRST_LPI = 8192;

  /** Below this and above it an event is of the one device or the other. */
  private static final int HALF = LPIS / 2;

  /** In another page of an indirect table than the first. */
  private static final int OTHER_DEVICE = 0x2004;

  // Collections: one to each vCPU, and one that no redistributor is given to.
  private static final int NOWHERE = 2;

  /** This LPI is pending and enabled when the VM is saved, the next one pending and disabled. */
  private static final int WAITING = 0;

  private static final int MASKED = 1;

  private static final long ITS = 0x900_0000L;
  private static final long RAM = 0x4000_0000L;
  private static final int SIZE = 0x40_0000;
  private static final int DEVICES = 0;
  private static final int COLLECTIONS = 0x8_0000;
  private static final int QUEUE = 0x10_0000;
  private static final int CONFIGURATION = 0x20_0000;
  private static final int PENDING = 0x21_0000;
  private static final int EVENTS = 0x30_0000;
  private static final long VALID = 1L << 63;

  /** One VM, its memory and what a guest's driver knows of it. */
  private static final class Guest implements AutoCloseable {
    final TestGic gic;
    final TestRam ram = new TestRam(SIZE);
    private final Device its;
    private int writer;

    Guest(boolean driver) throws KvmException {
      gic = new TestGic(true, 2, driver);
      gic.vm.setMemory(0, 0, RAM, SIZE, ram, 0);
      its = gic.vm.createDevice(8);
      its.set(0, 4, ITS);
      its.set(4, 0, 0);
    }

    /** Enables the LPIs and the ITS, and maps all but the last LPI to one of the two vCPUs. */
    void start(boolean indirect) throws KvmException {
      Vcpu vcpu = gic.vcpus[0];
      vcpu.enter();
      for (int lpi = 0; lpi < LPIS; lpi++) {
        enable(lpi, true);
      }
      vcpu.write(TestGic.REDISTRIBUTORS + 0x70, 8, RAM + CONFIGURATION | 15);
      for (int cpu = 0; cpu < 2; cpu++) {
        long redistributor = TestGic.REDISTRIBUTORS + cpu * 0x2_0000L;
        vcpu.write(redistributor + 0x78, 8, RAM + PENDING + cpu * 0x1_0000L);
        vcpu.write(redistributor, 4, 1);
      }
      if (indirect) {
        ram.bytes.putLong(DEVICES, VALID | RAM + DEVICES + 0x1_0000);
        ram.bytes.putLong(DEVICES + 8, VALID | RAM + DEVICES + 0x2_0000);
      }
      vcpu.write(ITS + 0x100, 8, VALID | (indirect ? 1L << 62 : 3) | RAM + DEVICES);
      vcpu.write(ITS + 0x108, 8, VALID | RAM + COLLECTIONS);
      vcpu.write(ITS + 0x80, 8, VALID | RAM + QUEUE | 0xf);
      vcpu.write(ITS, 4, 1);
      vcpu.exit();
      for (int cpu = 0; cpu < 2; cpu++) {
        command(0x09, 0, 0, VALID | (long) cpu << 16 | cpu);
      }
      command(0x08, 0, 4, VALID | RAM + EVENTS);
      command(0x08, LPIS - 1, 4, VALID | RAM + EVENTS + 0x1000);
      for (int lpi = 0; lpi < LPIS; lpi++) {
        int collection = lpi == LPIS - 1 ? NOWHERE : lpi & 1;
        command(0x0a, lpi, (long) (FIRST_LPI + lpi) << 32 | event(lpi), collection);
      }
    }

    private static int device(int lpi) {
      return lpi < HALF ? 4 : OTHER_DEVICE;
    }

    private static int event(int lpi) {
      return lpi % HALF * 2;
    }

    /** Runs a command for the device of an LPI. */
    void command(int number, int lpi, long word1, long word2) throws KvmException {
      ram.bytes.putLong(QUEUE + writer, (long) device(lpi) << 32 | number);
      ram.bytes.putLong(QUEUE + writer + 8, word1);
      ram.bytes.putLong(QUEUE + writer + 16, word2);
      ram.bytes.putLong(QUEUE + writer + 24, 0);
      writer = (writer + 32) % 0x1_0000;
      gic.vcpus[0].enter();
      gic.vcpus[0].write(ITS + 0x88, 8, writer);
      gic.vcpus[0].exit();
    }

    /** Writes the configuration table, which counts from the next INV or INVALL on. */
    void enable(int lpi, boolean on) {
      ram.bytes.put(CONFIGURATION + lpi, (byte) (lpi << 3 | (on ? 1 : 0)));
    }

    void configure(int lpi, boolean on) throws KvmException {
      enable(lpi, on);
      command(0x0c, lpi, event(lpi), 0);
    }

    int signal(int lpi) throws KvmException {
      return gic.vm.signalMsi(ITS + 0x1_0040, event(lpi), device(lpi), 1);
    }

    /** Acknowledges and ends one interrupt. */
    int take(int cpu) throws KvmException {
      return gic.take(cpu);
    }

    void stir(Random random) throws KvmException {
      for (int i = 0; i < 300; i++) {
        int lpi = random.nextInt(LPIS - 1);
        switch (random.nextInt(8)) {
          case 0, 1 -> signal(lpi);
          case 2 -> command(0x03, lpi, event(lpi), 0);
          case 3 -> command(0x04, lpi, event(lpi), 0);
          case 4 -> command(0x01, lpi, event(lpi), random.nextInt(2));
          case 5 -> configure(lpi, random.nextInt(3) != 0);
          default -> take(random.nextInt(2));
        }
      }
      configure(WAITING, true);
      signal(WAITING);
      configure(MASKED, false);
      signal(MASKED);
    }

    private void takeAll(StringBuilder text) throws KvmException {
      for (int cpu = 0; cpu < 2; cpu++) {
        text.append("\nvCPU ").append(cpu).append(':');
        int taken;
        do {
          taken = take(cpu);
          text.append(' ').append(taken);
        } while (taken != TestGic.SPURIOUS);
      }
    }

    /** What was pending, then new messages, then what had been disabled or went nowhere. */
    String goOn() throws KvmException {
      StringBuilder text = new StringBuilder("waiting:");
      takeAll(text);
      text.append("\nmessages: ");
      for (int lpi = 0; lpi < LPIS; lpi++) {
        text.append(lpi == MASKED ? "" : signal(lpi));
      }
      takeAll(text);
      for (int lpi = 0; lpi < LPIS; lpi++) {
        enable(lpi, true);
      }
      text.append("\nunmasked:");
      command(0x0d, 0, 0, 0);
      command(0x0d, 0, 0, 1);
      takeAll(text);
      command(0x09, 0, 0, VALID | 1L << 16 | NOWHERE);
      text.append("\nrouted: ").append(signal(LPIS - 1));
      takeAll(text);
      return text.toString();
    }

    @Override
    public void close() {
      gic.close();
    }
  }

  private static String part(String text, String from, String to) {
    return text.substring(text.indexOf(from), text.indexOf(to));
  }

  @ParameterizedTest
  @CsvSource({"false, 1", "false, 2", "false, 3", "true, 1", "true, 2", "true, 3"})
  void goes_on_as_the_saved_one(boolean indirect, int seed) throws KvmException {
    try (Guest saved = new Guest(true);
        Guest restored = new Guest(false)) {
      saved.start(indirect);
      saved.stir(new Random(seed));
      Snapshot snapshot = saved.gic.vm.save();
      restored.ram.bytes.put(0, saved.ram.bytes, 0, SIZE);
      restored.writer = saved.writer;
      restored.gic.vm.restore(snapshot);
      assertEquals(snapshot, restored.gic.vm.save());
      assertArrayEquals(saved.ram.bytes.array(), restored.ram.bytes.array(), "guest memory");

      String text = saved.goOn();
      assertEquals(text, restored.goOn());
      String waiting = part(text, "waiting", "messages");
      assertTrue(waiting.contains(" " + (FIRST_LPI + WAITING) + " "), text);
      String unmasked = part(text, "unmasked", "routed");
      assertTrue(unmasked.contains(" " + (FIRST_LPI + MASKED) + " "), text);
      assertTrue(
          text.endsWith(": 1\nvCPU 0: 1023\nvCPU 1: " + (FIRST_LPI + LPIS - 1) + " 1023"), text);
    }
  }
}
