package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Snapshot;
import org.kvmdev.runtime.Vcpu;

/**
 * A VM goes to another place: what is large, what is under way, what has several ITSs; and what is
 * restored in another order than arm-vgic-its.rst and arm-vgic-v3.rst say.
 */
class MigrationTest {
  private static final int DEVICE = 4;
  private static final long SECOND_ITS = 0x910_0000L;

  /** The same machine, before anything was restored. */
  private static TestIts twin(TestIts of) throws KvmException {
    return new TestIts(new VgicProvider(), of.gic.vcpus.length, false, new TestRam(TestIts.SIZE));
  }

  /** What a client does: saves, copies the memory, restores. */
  private static void migrate(TestIts from, TestIts to) throws KvmException {
    Snapshot snapshot = from.gic.vm.save();
    to.ram.bytes.put(0, from.ram.bytes.array());
    to.gic.vm.restore(snapshot);
    assertEquals(snapshot, to.gic.vm.save());
  }

  @Test
  void a_VM_of_512_vCPUs_goes_on_as_the_saved_one() throws KvmException {
    int cpus = 512;
    try (TestGic saved = new TestGic(true, cpus);
        TestGic restored = new TestGic(true, cpus, false)) {
      Random random = new Random(512);
      Vcpu writer = saved.vcpus[cpus - 1];
      for (int intid = 32; intid < TestGic.INTERRUPTS; intid++) {
        int cpu = random.nextInt(cpus);
        // Aff1 and Aff0.
        saved.route(writer, intid, cpu / 16 << 8 | cpu % 16);
        saved.line(intid, true);
      }
      for (int sgi = 0; sgi < 16; sgi++) {
        long others = sgi % 4 == 0 ? 1L << 40 : (long) random.nextInt(32) << 16 | 0xffff;
        saved.write(writer, "ICC_SGI1R_EL1", others | (long) sgi << 24);
      }
      for (int cpu = 0; cpu < cpus; cpu += 7) {
        // One is in service when the VM is saved.
        saved.vcpus[cpu].enter();
        saved.acknowledge(saved.vcpus[cpu]);
        saved.vcpus[cpu].exit();
      }
      Snapshot snapshot = saved.vm.save();
      restored.vm.restore(snapshot);
      assertEquals(snapshot, restored.vm.save());
      int taken = 0;
      for (int cpu = 0; cpu < cpus; cpu++) {
        List<Integer> expected = takeAll(saved, cpu);
        assertEquals(expected, takeAll(restored, cpu), "vCPU " + cpu);
        taken += expected.size();
      }
      assertTrue(taken > TestGic.INTERRUPTS - 32 + 4 * cpus, "taken: " + taken);
    }
  }

  private static List<Integer> takeAll(TestGic gic, int cpu) throws KvmException {
    List<Integer> taken = new ArrayList<>();
    Vcpu vcpu = gic.vcpus[cpu];
    vcpu.enter();
    if (cpu % 7 == 0 && vcpu.read(gic.vm.systemRegister("ICC_RPR_EL1")) != 0xff) {
      // Which one is in service is seen by what the others are.
      gic.write(vcpu, "ICC_AP1R0_EL1", 0);
    }
    int intid = gic.acknowledge(vcpu);
    while (intid != TestGic.SPURIOUS) {
      taken.add(intid);
      gic.end(vcpu, intid);
      intid = gic.acknowledge(vcpu);
    }
    vcpu.exit();
    return taken.stream().sorted().toList();
  }

  @Test
  void a_VM_with_two_ITSs_goes_on_as_the_saved_one() throws KvmException {
    try (TestIts saved = new TestIts(2);
        TestIts restored = twin(saved)) {
      for (TestIts its : List.of(saved, restored)) {
        Device second = its.gic.vm.createDevice(8);
        second.set(0, 4, SECOND_ITS);
      }
      // Each ITS that is created sets GICR_PROPBASER back.
      Vcpu driver = saved.driver;
      for (int cpu = 0; cpu < 2; cpu++) {
        driver.write(TestIts.redistributor(cpu), 4, 0);
      }
      driver.write(TestGic.REDISTRIBUTORS + 0x70, 8, TestIts.RAM + TestIts.CONFIGURATION | 15);
      for (int cpu = 0; cpu < 2; cpu++) {
        driver.write(TestIts.redistributor(cpu), 4, 1);
      }
      // The second ITS's tables, of two levels, beside the first one's.
      long tables = TestIts.RAM + 0x4_0000;
      saved.ram.bytes.putLong(0x4_0000, TestIts.VALID | TestIts.RAM + 0x6_0000);
      driver.write(SECOND_ITS + 0x100, 8, TestIts.VALID | 1L << 62 | tables);
      driver.write(SECOND_ITS + 0x108, 8, TestIts.VALID | tables + 0x1_0000);
      driver.write(SECOND_ITS + 0x80, 8, TestIts.VALID | TestIts.RAM + 0x11_0000);
      driver.write(SECOND_ITS, 4, 1);
      long[] commands = {
        0x09,
        0,
        TestIts.VALID | 1L << 16 | 5,
        7L << 32 | 0x08,
        3,
        TestIts.VALID | TestIts.RAM + 0x31_0000,
        7L << 32 | 0x0a,
        (long) TestIts.FIRST_LPI << 32 | 1,
        5,
        7L << 32 | 0x0a,
        (long) (TestIts.FIRST_LPI + 9) << 32 | 2,
        5
      };
      for (int i = 0; i < 4; i++) {
        for (int word = 0; word < 3; word++) {
          saved.ram.bytes.putLong(0x11_0000 + i * 32 + word * 8, commands[i * 3 + word]);
        }
      }
      for (int lpi = 0; lpi < 10; lpi++) {
        saved.configure(TestIts.FIRST_LPI + lpi, lpi << 3, true);
      }
      saved.mapDevice(DEVICE, 4);
      saved.mapEvent(DEVICE, 0, TestIts.FIRST_LPI, 0);
      saved.mapEvent(DEVICE, 3, TestIts.FIRST_LPI + 3, 1);
      driver.write(SECOND_ITS + 0x88, 8, 4 * 32);
      // One LPI is mapped by both; what waits is of either.
      assertEquals(1, saved.signal(DEVICE, 0));
      assertEquals(1, saved.gic.vm.signalMsi(SECOND_ITS + 0x1_0040, 2, 7, 1));

      migrate(saved, restored);
      for (TestIts its : List.of(saved, restored)) {
        assertEquals(TestIts.FIRST_LPI, its.take(0), "waited");
        assertEquals(TestIts.FIRST_LPI + 9, its.take(1), "waited");
        assertEquals(1, its.signal(DEVICE, 3));
        assertEquals(1, its.gic.vm.signalMsi(SECOND_ITS + 0x1_0040, 1, 7, 1));
        assertEquals(TestIts.FIRST_LPI + 3, its.take(1));
        assertEquals(TestIts.FIRST_LPI, its.take(0), "the first that mapped it says where it goes");
        for (int cpu = 0; cpu < 2; cpu++) {
          assertEquals(TestGic.SPURIOUS, its.take(cpu));
        }
      }
    }
  }

  /** Messages arrive and are taken until the VM is stopped, at any point; nothing is lost. */
  @Test
  void what_is_under_way_is_taken_once_here_or_there() throws Exception {
    int events = 8;
    int left = 0;
    for (int round = 0; round < 30; round++) {
      AtomicIntegerArray sent = new AtomicIntegerArray(events);
      AtomicIntegerArray taken = new AtomicIntegerArray(events);
      try (TestIts saved = new TestIts(3);
          TestIts restored = twin(saved)) {
        saved.mapDevice(DEVICE, 4);
        for (int event = 0; event < events; event++) {
          saved.configure(TestIts.FIRST_LPI + event, event << 3, true);
          saved.mapEvent(DEVICE, event, TestIts.FIRST_LPI + event, event & 1);
        }
        Race race = new Race(30);
        for (int cpu = 0; cpu < 2; cpu++) {
          int each = cpu;
          race.start(
              "vCPU " + cpu,
              () -> {
                while (race.goesOn()) {
                  take(saved, each, taken);
                }
              });
        }
        Random random = new Random(round);
        race.start(
            "messages",
            () -> {
              while (race.goesOn()) {
                int event = random.nextInt(events);
                if (sent.get(event) == taken.get(event)) {
                  sent.addAndGet(event, saved.signal(DEVICE, event));
                }
                if (random.nextInt(8) == 0) {
                  saved.moveEvent(DEVICE, random.nextInt(events), random.nextInt(2));
                }
              }
            });
        Thread.sleep(random.nextInt(4));
        assertNull(race.finish());
        for (int event = 0; event < events; event++) {
          left += sent.get(event) - taken.get(event);
        }

        migrate(saved, restored);
        for (int twice = 0; twice < 2; twice++) {
          for (int cpu = 0; cpu < 2; cpu++) {
            while (take(restored, cpu, taken)) {
              // What waited.
            }
          }
        }
        for (int event = 0; event < events; event++) {
          assertEquals(sent.get(event), taken.get(event), "event " + event + ", round " + round);
        }
      }
    }
    System.out.println("MigrationTest: " + left + " messages were under way");
  }

  private static boolean take(TestIts its, int cpu, AtomicIntegerArray taken) throws KvmException {
    int intid = its.take(cpu);
    if (intid == TestGic.SPURIOUS) {
      return false;
    }
    taken.incrementAndGet(intid - TestIts.FIRST_LPI);
    return true;
  }

  // Other orders.

  private static void assertRefused(Errno errno, Executable access) {
    assertEquals(errno, assertThrows(KvmException.class, access).errno());
  }

  /** A machine whose memory has the tables of one device and its event. */
  private static TestIts arrived() throws KvmException {
    try (TestIts saved = new TestIts(2)) {
      saved.configure(TestIts.FIRST_LPI, 0, true);
      saved.mapDevice(DEVICE, 4);
      saved.mapEvent(DEVICE, 0, TestIts.FIRST_LPI, 0);
      saved.its.set(4, 1, 0);
      TestIts restored = twin(saved);
      restored.ram.bytes.put(0, saved.ram.bytes.array());
      return restored;
    }
  }

  private static void bases(TestIts its) throws KvmException {
    its.its.set(8, TestIts.CBASER, TestIts.VALID | TestIts.RAM + TestIts.QUEUE | 0xf);
    its.its.set(8, TestIts.DEVICE_BASER, TestIts.VALID | TestIts.RAM + TestIts.DEVICES);
    its.its.set(8, TestIts.COLLECTION_BASER, TestIts.VALID | TestIts.RAM + TestIts.COLLECTIONS);
  }

  private static void redistributors(TestIts its) throws KvmException {
    its.gic.device.set(5, 0x70, TestIts.RAM + TestIts.CONFIGURATION | 15);
    for (long cpu = 0; cpu < 2; cpu++) {
      its.gic.device.set(5, cpu << 32 | 0x78, TestIts.RAM + TestIts.pending((int) cpu));
      its.gic.device.set(5, cpu << 32, 1);
    }
  }

  @Test
  void the_documented_order_restores() throws KvmException {
    try (TestIts its = arrived()) {
      redistributors(its);
      bases(its);
      its.its.set(4, 2, 0);
      its.its.set(8, TestIts.CTLR, 1);
      assertEquals(1, its.signal(DEVICE, 0));
    }
  }

  @Test
  void tables_that_are_restored_before_their_bases_are_not_there() throws KvmException {
    try (TestIts its = arrived()) {
      redistributors(its);
      its.its.set(4, 2, 0);
      bases(its);
      its.its.set(8, TestIts.CTLR, 1);
      assertEquals(0, its.signal(DEVICE, 0));
      its.its.set(4, 2, 0);
      assertEquals(1, its.signal(DEVICE, 0));
      assertRefused(Errno.EEXIST, () -> its.its.set(4, 2, 0));
    }
  }

  @Test
  void an_ITS_that_is_enabled_before_its_bases_stays_disabled() throws KvmException {
    try (TestIts its = arrived()) {
      redistributors(its);
      its.its.set(8, TestIts.CTLR, 1);
      assertEquals(0, its.register(TestIts.CTLR) & 1);
      bases(its);
      its.its.set(4, 2, 0);
      assertRefused(Errno.EBUSY, () -> its.signal(DEVICE, 0));
    }
  }

  @Test
  void pointers_are_lost_by_the_base_and_one_is_fixed_by_enabling() throws KvmException {
    try (TestIts its = arrived()) {
      bases(its);
      its.its.set(8, TestIts.CREADR, 0x60);
      its.its.set(8, TestIts.CWRITER, 0x60);
      bases(its);
      assertEquals(0, its.register(TestIts.CREADR));
      assertEquals(0, its.register(TestIts.CWRITER));
      its.its.set(8, TestIts.CTLR, 1);
      assertRefused(Errno.EBUSY, () -> its.its.set(8, TestIts.CREADR, 0x60));
    }
  }

  @Test
  void tables_that_are_restored_before_memory_and_redistributors_are_refused() throws KvmException {
    try (TestIts its = arrived()) {
      bases(its);
      // The LPIs' configuration is at 0, where no memory is.
      assertRefused(Errno.EFAULT, () -> its.its.set(4, 2, 0));
      redistributors(its);
      its.its.set(8, TestIts.DEVICE_BASER, TestIts.VALID | 0x8000_0000L);
      assertRefused(Errno.EFAULT, () -> its.its.set(4, 2, 0));
      bases(its);
      its.its.set(4, 2, 0);
    }
  }

  @Test
  void registers_before_the_address_and_before_initialisation_are_refused() throws KvmException {
    try (TestGic gic = new TestGic(true, 1, false)) {
      Device its = gic.vm.createDevice(8);
      assertRefused(Errno.ENXIO, () -> its.get(8, 0));
      assertRefused(Errno.ENXIO, () -> its.set(8, TestIts.CBASER, 0));
      its.set(0, 4, TestIts.ITS);
      its.get(8, 0);
      assertRefused(Errno.EEXIST, () -> its.set(0, 4, TestIts.ITS));
    }
  }

  @Test
  void bases_of_LPIs_are_fixed_by_enabling_them() throws KvmException {
    try (TestIts its = arrived()) {
      its.gic.device.set(5, 0, 1);
      redistributors(its);
      long low = its.gic.device.get(5, 0x78);
      assertEquals(0, low >>> 16, "GICR_PENDBASER of the one that is enabled");
      long other = its.gic.device.get(5, 1L << 32 | 0x78);
      assertEquals(TestIts.RAM + TestIts.pending(1) >>> 16, other >>> 16);
    }
  }
}
