package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/**
 * What an ITS's commands refuse, silently: ids that its tables, its registers or GITS_TYPER have no
 * room for; and how much one access can make it do.
 */
class ItsCommandsTest {
  private static final int DEVICE = 4;
  private static final long INDIRECT = 1L << 62;

  /** A VM's memory that counts the commands that were read out of its queue. */
  private static final class CountingRam extends TestRam {
    int commands;

    CountingRam() {
      super(TestIts.SIZE);
    }

    @Override
    public void read(long address, byte[] to, int at, int length) {
      if (address >= TestIts.QUEUE && length == 32) {
        commands++;
      }
      super.read(address, to, at, length);
    }
  }

  private final CountingRam ram = new CountingRam();

  private TestIts its() throws KvmException {
    return new TestIts(new VgicProvider(), 2, true, ram);
  }

  /** Whether an event is mapped: a message to one that is not is swallowed. */
  private static boolean isMapped(TestIts its, int device, int event) throws KvmException {
    return its.signal(device, event) == 1;
  }

  // MAPD.

  @ParameterizedTest
  @CsvSource({"1, true", "13, true", "16, true", "17, false", "32, false"})
  void a_device_has_at_most_16_bits_of_events(int bits, boolean mapped) throws KvmException {
    try (TestIts its = its()) {
      its.mapDevice(DEVICE, bits);
      its.mapEvent(DEVICE, 0, TestIts.FIRST_LPI, 0);
      assertEquals(mapped, isMapped(its, DEVICE, 0));
    }
  }

  @Test
  void a_device_that_is_mapped_again_with_too_many_bits_stays_as_it_is() throws KvmException {
    try (TestIts its = its()) {
      its.mapDevice(DEVICE, 4);
      its.mapEvent(DEVICE, 0, TestIts.FIRST_LPI, 0);
      its.mapDevice(DEVICE, 17);
      assertTrue(isMapped(its, DEVICE, 0));
      its.mapDevice(DEVICE, 5);
      assertFalse(isMapped(its, DEVICE, 0), "mapping it again unmaps its events");
    }
  }

  @ParameterizedTest
  @CsvSource({"8191, true", "8192, false", "65535, false", "65536, false", "-1, false"})
  void a_flat_table_of_one_page_has_room_for_8192_devices(int device, boolean mapped)
      throws KvmException {
    try (TestIts its = its()) {
      map(its, device);
      assertEquals(mapped, isMapped(its, device, 0));
    }
  }

  /** Maps a device, with the table of the first one's events. */
  private static void map(TestIts its, int device) throws KvmException {
    long word0 = (long) device << 32 | 0x08;
    its.command(word0, 3, TestIts.VALID | TestIts.RAM + TestIts.EVENTS, 0);
    its.mapEvent(device, 0, TestIts.FIRST_LPI, 0);
  }

  @ParameterizedTest
  @CsvSource({
    "0, true",
    "8191, true",
    "8192, false",
    "16384, true",
    "24576, false",
    "65536, false"
  })
  void two_levels_have_room_where_the_first_names_a_page(int device, boolean mapped)
      throws KvmException {
    try (TestIts its = new TestIts(new VgicProvider(), 2, false, ram)) {
      ram.bytes.putLong(TestIts.DEVICES, TestIts.VALID | TestIts.RAM + 0x1_0000);
      // The second is not valid, the third is, the fourth is beyond memory.
      ram.bytes.putLong(TestIts.DEVICES + 8, TestIts.RAM + 0x2_0000);
      ram.bytes.putLong(TestIts.DEVICES + 16, TestIts.VALID | TestIts.RAM + 0x3_0000);
      ram.bytes.putLong(TestIts.DEVICES + 24, TestIts.VALID | 0x8000_0000L);
      its.start(INDIRECT);
      map(its, device);
      assertEquals(mapped, isMapped(its, device, 0));
    }
  }

  @Test
  void a_table_that_is_not_in_memory_has_room_for_nothing() throws KvmException {
    try (TestIts its = its()) {
      its.driver.write(TestIts.ITS, 4, 0);
      for (long indirect : new long[] {0, INDIRECT}) {
        its.driver.write(TestIts.ITS + 0x100, 8, TestIts.VALID | indirect | 0x8000_0000L);
        its.driver.write(TestIts.ITS, 4, 1);
        map(its, DEVICE);
        assertFalse(isMapped(its, DEVICE, 0));
        its.driver.write(TestIts.ITS, 4, 0);
      }
    }
  }

  // MAPTI, MAPI, MAPC.

  @Test
  void an_event_must_be_one_of_its_device() throws KvmException {
    try (TestIts its = its()) {
      its.mapDevice(DEVICE, 3);
      its.mapEvent(DEVICE, 7, TestIts.FIRST_LPI, 0);
      its.mapEvent(DEVICE, 8, TestIts.FIRST_LPI + 1, 0);
      its.mapEvent(DEVICE, -1, TestIts.FIRST_LPI + 2, 0);
      its.mapEvent(DEVICE + 1, 0, TestIts.FIRST_LPI + 3, 0);
      assertTrue(isMapped(its, DEVICE, 7));
      assertFalse(isMapped(its, DEVICE, 8));
      assertFalse(isMapped(its, DEVICE, -1));
      assertFalse(isMapped(its, DEVICE + 1, 0));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "15, 8191, false",
    "15, 8192, true",
    "15, 65535, true",
    "15, 65536, false",
    "15, -1, false",
    "13, 16383, true",
    "13, 16384, false",
    "12, 8192, false",
    "31, 65535, true",
    "31, 65536, false"
  })
  void an_INTID_must_have_a_configuration(int propbaserBits, int intid, boolean mapped)
      throws KvmException {
    try (TestIts its = its()) {
      for (int cpu = 0; cpu < 2; cpu++) {
        its.driver.write(TestIts.redistributor(cpu), 4, 0);
      }
      long propbaser = TestIts.RAM + TestIts.CONFIGURATION | propbaserBits;
      its.driver.write(TestGic.REDISTRIBUTORS + 0x70, 8, propbaser);
      for (int cpu = 0; cpu < 2; cpu++) {
        its.driver.write(TestIts.redistributor(cpu), 4, 1);
      }
      its.mapDevice(DEVICE, 4);
      its.mapEvent(DEVICE, 0, intid, 0);
      assertEquals(mapped, isMapped(its, DEVICE, 0));
    }
  }

  @Test
  void MAPI_maps_an_event_to_the_LPI_of_its_number() throws KvmException {
    try (TestIts its = its()) {
      its.configure(TestIts.FIRST_LPI, 0, true);
      its.mapDevice(DEVICE, 16);
      its.command((long) DEVICE << 32 | 0x0b, TestIts.FIRST_LPI, 0, 0);
      its.command((long) DEVICE << 32 | 0x0b, 5, 0, 0);
      assertTrue(isMapped(its, DEVICE, TestIts.FIRST_LPI));
      assertFalse(isMapped(its, DEVICE, 5), "no LPI has this number");
      assertEquals(TestIts.FIRST_LPI, its.take(0));
    }
  }

  @ParameterizedTest
  @CsvSource({"8191, 1, true", "8192, 1, false", "65535, 1, false", "9, 2, false"})
  void a_collection_needs_room_and_a_redistributor(int collection, int cpu, boolean mapped)
      throws KvmException {
    try (TestIts its = its()) {
      its.mapDevice(DEVICE, 4);
      its.mapCollection(collection, cpu);
      its.mapEvent(DEVICE, 0, TestIts.FIRST_LPI, collection);
      assertEquals(mapped, isMapped(its, DEVICE, 0));
    }
  }

  /** The commands leave alone what the vCPU has in the guest: it is acknowledged, as in Linux. */
  @Test
  void what_is_in_a_list_register_is_neither_cleared_nor_discarded() throws KvmException {
    try (TestIts its = its()) {
      its.configure(TestIts.FIRST_LPI, 0, true);
      its.mapDevice(DEVICE, 4);
      its.mapEvent(DEVICE, 0, TestIts.FIRST_LPI, 0);
      Vcpu server = its.gic.vcpus[0];
      its.signal(DEVICE, 0);
      server.enter();
      its.clear(DEVICE, 0);
      its.discard(DEVICE, 0);
      assertEquals(TestIts.FIRST_LPI, its.gic.acknowledge(server));
      its.gic.end(server, TestIts.FIRST_LPI);
      server.exit();
      assertEquals(TestGic.SPURIOUS, its.take(0));
    }
  }

  @Test
  void commands_for_what_is_not_mapped_do_nothing() throws KvmException {
    try (TestIts its = its()) {
      its.configure(TestIts.FIRST_LPI, 0, true);
      its.mapDevice(DEVICE, 4);
      its.mapEvent(DEVICE, 0, TestIts.FIRST_LPI, 0);
      its.discard(DEVICE, 1);
      its.clear(DEVICE, 1);
      its.invalidate(DEVICE, 1);
      its.invalidate(DEVICE + 1, 0);
      its.moveEvent(DEVICE, 1, 1);
      its.moveEvent(DEVICE, 0, 9);
      its.interrupt(DEVICE, 1);
      its.invalidateAll(9);
      its.moveAll(0, 2);
      its.moveAll(2, 0);
      its.unmapDevice(DEVICE + 1);
      its.unmapCollection(9);
      for (int number = 0; number < 256; number++) {
        if (number == 0 || number == 2 || number > 0x0f) {
          its.command((long) DEVICE << 32 | number, 0, TestIts.VALID, 0);
        }
      }
      assertTrue(isMapped(its, DEVICE, 0));
      assertEquals(TestIts.FIRST_LPI, its.take(0));
      assertEquals(TestGic.SPURIOUS, its.take(0));
      assertEquals(TestGic.SPURIOUS, its.take(1));
    }
  }

  @Test
  void a_VM_maps_1048576_events_and_not_more() throws KvmException {
    int perDevice = 1 << 16;
    try (TestIts its = its()) {
      int batch = TestIts.QUEUE_SIZE / 32 - 1;
      int writer = (int) its.register(TestIts.CWRITER);
      for (int device = 0; device < Lpis.MAX_EVENTS / perDevice; device++) {
        its.command(
            (long) device << 32 | 0x08, 15, TestIts.VALID | TestIts.RAM + TestIts.EVENTS, 0);
        writer = (writer + 32) % TestIts.QUEUE_SIZE;
        for (int event = 0; event < perDevice; event++) {
          long intid = TestIts.FIRST_LPI + event % 0x4000;
          int at = TestIts.QUEUE + writer;
          ram.bytes.putLong(at, (long) device << 32 | 0x0a);
          ram.bytes.putLong(at + 8, intid << 32 | event);
          ram.bytes.putLong(at + 16, 0);
          writer = (writer + 32) % TestIts.QUEUE_SIZE;
          if (event % batch == batch - 1 || event == perDevice - 1) {
            its.driver.write(TestIts.ITS + TestIts.CWRITER, 8, writer);
          }
        }
        its.writeFrom(writer);
      }
      assertTrue(isMapped(its, 15, perDevice - 1));
      its.mapDevice(16, 4);
      its.mapEvent(16, 0, TestIts.FIRST_LPI, 0);
      assertFalse(isMapped(its, 16, 0));
      its.discard(15, 7);
      its.mapEvent(16, 0, TestIts.FIRST_LPI, 0);
      assertTrue(isMapped(its, 16, 0), "one was discarded, so there is room for one");
      its.mapEvent(15, 7, TestIts.FIRST_LPI, 0);
      assertFalse(isMapped(its, 15, 7));
      its.its.set(4, 4, 0);
    }
  }

  @Test
  void an_LPI_that_was_moved_is_delivered_after_its_old_redistributor_is_disabled()
      throws KvmException {
    try (TestIts its = its()) {
      its.configure(TestIts.FIRST_LPI, 0, true);
      its.mapDevice(DEVICE, 4);
      its.mapEvent(DEVICE, 0, TestIts.FIRST_LPI, 0);
      assertEquals(1, its.signal(DEVICE, 0));
      its.moveEvent(DEVICE, 0, 1);
      its.driver.write(TestIts.redistributor(0), 4, 0);
      assertEquals(TestGic.SPURIOUS, its.take(0));
      assertEquals(1, its.signal(DEVICE, 0));
      assertEquals(TestIts.FIRST_LPI, its.take(1));
    }
  }

  @Test
  void GICR_INVLPIR_is_for_LPIs() throws KvmException {
    try (TestIts its = its()) {
      its.mapDevice(DEVICE, 4);
      its.mapEvent(DEVICE, 0, TestIts.FIRST_LPI, 0);
      assertEquals(1, its.signal(DEVICE, 0));
      assertEquals(TestGic.SPURIOUS, its.take(0), "it is disabled");
      its.configure(TestIts.FIRST_LPI, 0, true);
      ram.bytes.put(TestIts.CONFIGURATION - TestIts.FIRST_LPI + 40, (byte) 0x58);
      long invlpir = TestIts.redistributor(0) + 0xa0;
      for (int intid : new int[] {20, 40, 1020, 8191, TestIts.FIRST_LPI + 1, -1}) {
        its.driver.write(invlpir, 8, intid & 0xffff_ffffL);
      }
      its.driver.write(invlpir + 4, 4, TestIts.FIRST_LPI);
      assertEquals(0, its.driver.read(TestGic.DISTRIBUTOR + 0x400 + 40, 1));
      assertEquals(TestGic.SPURIOUS, its.take(0));
      its.driver.write(invlpir, 4, TestIts.FIRST_LPI);
      assertEquals(TestIts.FIRST_LPI, its.take(0));
    }
  }

  // The queue.

  /** Places the queue, of so many pages of 4 KiB. */
  private static void place(TestIts its, long base, int pages) throws KvmException {
    its.driver.write(TestIts.ITS, 4, 0);
    its.driver.write(TestIts.ITS + TestIts.CBASER, 8, TestIts.VALID | base | pages - 1);
    its.driver.write(TestIts.ITS, 4, 1);
  }

  @ParameterizedTest
  @CsvSource({"1", "2", "16", "256"})
  void one_write_runs_at_most_one_queue(int pages) throws KvmException {
    try (TestIts its = its()) {
      int size = pages * 0x1000;
      place(its, TestIts.RAM + TestIts.QUEUE, pages);
      ram.commands = 0;
      its.driver.write(TestIts.ITS + TestIts.CWRITER, 8, size - 32);
      assertEquals(size / 32 - 1, ram.commands, "all but the last");
      assertEquals(size - 32, its.register(TestIts.CREADR));

      ram.commands = 0;
      its.driver.write(TestIts.ITS + TestIts.CWRITER, 8, size - 64);
      assertEquals(size / 32 - 1, ram.commands, "round the end");
      assertEquals(size - 64, its.register(TestIts.CREADR));

      ram.commands = 0;
      its.driver.write(TestIts.ITS + TestIts.CWRITER, 8, size - 64);
      its.driver.write(TestIts.ITS, 4, 1);
      assertEquals(0, ram.commands, "none is new");
      if (pages < 256) {
        its.driver.write(TestIts.ITS + TestIts.CWRITER, 8, size);
        its.driver.write(TestIts.ITS + TestIts.CWRITER, 8, 0xf_ffe0);
        assertEquals(0, ram.commands, "the offset is beyond the end");
      }
    }
  }

  @Test
  void the_largest_queue_that_waits_while_the_ITS_is_disabled_runs_once() throws KvmException {
    try (TestIts its = its()) {
      place(its, TestIts.RAM + TestIts.QUEUE, 256);
      its.driver.write(TestIts.ITS, 4, 0);
      its.driver.write(TestIts.ITS + TestIts.CWRITER, 8, 0xf_ffe0);
      assertEquals(0, its.register(TestIts.CREADR));
      ram.commands = 0;
      its.driver.write(TestIts.ITS, 4, 1);
      assertEquals(0x8000 - 1, ram.commands);
      assertEquals(0x8000_0001L, its.register(TestIts.CTLR), "enabled and quiescent");
    }
  }

  @Test
  void a_queue_that_is_not_in_memory_is_passed_over() throws KvmException {
    try (TestIts its = its()) {
      place(its, 0x8000_0000L, 256);
      its.driver.write(TestIts.ITS + TestIts.CWRITER, 8, 0xf_ffe0);
      assertEquals(0xf_ffe0, its.register(TestIts.CREADR));
      // The last 64 KiB of memory, and what is behind.
      place(its, TestIts.RAM + TestIts.SIZE - 0x1_0000, 32);
      ram.commands = 0;
      its.driver.write(TestIts.ITS + TestIts.CWRITER, 8, 0x1_ffe0);
      assertEquals(0x1_ffe0, its.register(TestIts.CREADR));
      assertEquals(0x1_0000 / 32, ram.commands, "those in memory ran");
    }
  }

  @Test
  void bits_that_are_no_offset_do_not_count() throws KvmException {
    try (TestIts its = its()) {
      long writer = its.register(TestIts.CWRITER);
      its.driver.write(TestIts.ITS + TestIts.CWRITER, 8, 0xffff_ffff_fff0_001fL | writer);
      assertEquals(writer, its.register(TestIts.CWRITER));
      its.its.set(8, 0, 0);
      its.its.set(8, TestIts.CREADR, 0xffff_ffff_fff0_005fL);
      assertEquals(0x40, its.register(TestIts.CREADR));
      KvmException beyond =
          assertThrows(
              KvmException.class, () -> its.its.set(8, TestIts.CREADR, TestIts.QUEUE_SIZE));
      assertEquals(Errno.EINVAL, beyond.errno());
    }
  }
}
