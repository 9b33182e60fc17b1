package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Vcpu;

/**
 * A guest and a client that do at random what hurts: commands, tables, registers, messages, lines,
 * savings and restorings. After each step {@link Invariants} hold, nothing but refusals comes out,
 * and another VM of the process answers what it answers alone.
 *
 * <p>A run is repeated by its seed ({@code -Dkvmdev.fuzz.seed}); {@code mvn -P fuzz} takes a new
 * seed, and goes on for {@code -Dkvmdev.fuzz.seconds}.
 */
class HostileGuestTest {
  private static final long SECONDS = Long.getLong("kvmdev.fuzz.seconds", 0);
  private static final long SEED =
      Long.getLong("kvmdev.fuzz.seed", SECONDS == 0 ? 20260723 : System.nanoTime());
  private static final int STEPS = Integer.getInteger("kvmdev.fuzz.steps", 400);

  private static final int CPUS = 3;
  private static final long SECOND_ITS = 0x910_0000L;

  /** Runs a number of steps by a seed, and then by others as long as there is time. */
  private static void fuzz(String what, SeededRun run) throws Exception {
    System.out.println("HostileGuestTest: " + what + ": -Dkvmdev.fuzz.seed=" + SEED);
    long end = System.nanoTime() + SECONDS * 1_000_000_000L / 3;
    long seed = SEED;
    long steps = 0;
    do {
      try {
        steps += run.run(seed);
      } catch (KvmException | AssertionError | RuntimeException fault) {
        throw new AssertionError(
            what + ": repeat with -Dkvmdev.fuzz.seed=" + seed + ": " + fault, fault);
      }
      seed++;
    } while (System.nanoTime() < end);
    System.out.printf(
        "HostileGuestTest: %s: seeds %d to %d, %d steps%n", what, SEED, seed - 1, steps);
  }

  private interface SeededRun {
    int run(long seed) throws Exception;
  }

  @Test
  void anItsWithstandsItsGuest() throws Exception {
    AtomicInteger delivered = new AtomicInteger();
    AtomicInteger restored = new AtomicInteger();
    try (Neighbour _ = new Neighbour()) {
      fuzz(
          "GICv3 with two ITSs",
          seed -> {
            try (ItsGuest guest = new ItsGuest(seed)) {
              for (int step = 0; step < STEPS; step++) {
                guest.step();
                Invariants.check(guest.gic);
                if (step % 20 == 19) {
                  restored.addAndGet(guest.saveAndRestore() ? 1 : 0);
                }
              }
              delivered.addAndGet(guest.delivered);
            }
            return STEPS;
          });
    }
    assertNotEquals(0, delivered.get(), "no message was ever delivered");
    assertNotEquals(0, restored.get(), "no tables were ever restored");
    System.out.printf(
        "HostileGuestTest: %s messages delivered, %s times restored%n", delivered, restored);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aGicWithstandsItsGuest(boolean v3) throws Exception {
    try (Neighbour _ = new Neighbour()) {
      fuzz(
          v3 ? "GICv3" : "GICv2",
          seed -> {
            try (TestGic gic = new TestGic(v3, CPUS)) {
              GicGuest guest = new GicGuest(gic, new Random(seed));
              for (int step = 0; step < STEPS; step++) {
                guest.step();
                Invariants.check(gic);
              }
            }
            return STEPS;
          });
    }
  }

  /** What is refused is refused; a device that failed is EIO, and that is a fault. */
  private interface Attempt {
    void run() throws KvmException;
  }

  private static boolean attempt(Attempt attempt) {
    try {
      attempt.run();
      return true;
    } catch (KvmException refused) {
      assertNotEquals(Errno.EIO, refused.errno(), refused::toString);
      return false;
    }
  }

  /** A guest and a client of a GIC, version 2 or 3. */
  private static class GicGuest {
    final TestGic gic;
    final Random random;

    GicGuest(TestGic gic, Random random) {
      this.gic = gic;
      this.random = random;
    }

    void step() {
      Vcpu vcpu = gic.vcpus[random.nextInt(CPUS)];
      int accesses = 1 + random.nextInt(8);
      attempt(
          () -> {
            vcpu.enter();
            try {
              for (int i = 0; i < accesses; i++) {
                access(vcpu);
              }
            } finally {
              vcpu.exit();
            }
          });
      for (int i = random.nextInt(4); i > 0; i--) {
        client();
      }
    }

    private void access(Vcpu vcpu) throws KvmException {
      int size = 1 << random.nextInt(4);
      switch (random.nextInt(8)) {
        case 0 -> register(vcpu, TestGic.DISTRIBUTOR, gic.v3 ? 0x1_0000 : 0x1000, size);
        case 1 -> {
          if (gic.v3) {
            register(vcpu, TestGic.REDISTRIBUTORS, CPUS * 0x2_0000, size);
          } else {
            register(vcpu, TestGic.CPU_INTERFACE, 0x2000, size);
          }
        }
        case 2 -> {
          int intid = random.nextInt(TestGic.INTERRUPTS / 32) * 4;
          long at = TestGic.DISTRIBUTOR + 0x80 * (1 + random.nextInt(7)) + intid;
          vcpu.write(at, 4, random.nextInt() & random.nextInt());
        }
        case 3 -> gic.route(vcpu, 32 + random.nextInt(64), random.nextInt(CPUS + 1));
        case 4 -> sgi(vcpu);
        default -> {
          int intid = gic.acknowledge(vcpu);
          if (random.nextInt(4) != 0) {
            gic.end(vcpu, random.nextInt(8) == 0 ? random.nextInt(1024) : intid);
          }
        }
      }
    }

    private void sgi(Vcpu vcpu) throws KvmException {
      if (gic.v3) {
        long value = random.nextLong() & 0x1_0000_0f00_0007L;
        gic.write(vcpu, random.nextBoolean() ? "ICC_SGI1R_EL1" : "ICC_SGI0R_EL1", value);
        if (random.nextInt(4) == 0) {
          String[] names = {"ICC_PMR_EL1", "ICC_BPR1_EL1", "ICC_CTLR_EL1", "ICC_AP1R0_EL1"};
          gic.write(vcpu, names[random.nextInt(4)], random.nextLong());
        }
      } else {
        vcpu.write(TestGic.DISTRIBUTOR + 0xf00, 4, random.nextInt());
        int at = random.nextInt(32) & ~3;
        vcpu.write(TestGic.DISTRIBUTOR + 0xf10 + at, 4, random.nextInt() & 0x0707_0707);
      }
    }

    /** Any offset, but most often one of a register's; few bits, or all. */
    void register(Vcpu vcpu, long base, int length, int size) throws KvmException {
      long at = base + random.nextInt(length) / size * size;
      if (random.nextInt(3) == 0) {
        vcpu.read(at, size);
      } else {
        vcpu.write(at, size, random.nextBoolean() ? random.nextLong() : random.nextInt(16));
      }
    }

    private void client() {
      switch (random.nextInt(6)) {
        case 0 -> attempt(() -> gic.vm.irqLine(random.nextInt(), random.nextInt(2)));
        case 1, 2 -> attempt(() -> gic.line(32 + random.nextInt(64), random.nextBoolean()));
        case 3 -> {
          int cpu = random.nextInt(CPUS);
          int line = 2 << 24 | cpu << 16 | 16 + random.nextInt(16);
          attempt(() -> gic.vm.irqLine(line, random.nextInt(2)));
        }
        default -> {
          int[] groups = gic.v3 ? new int[] {1, 5, 6, 7} : new int[] {1, 2};
          int group = groups[random.nextInt(groups.length)];
          long attr = (long) random.nextInt(CPUS + 1) << 32 | random.nextInt(0x1000) & ~3;
          if (group == 6) {
            attr = attr & -1L << 32 | 0xc600 | random.nextInt(0x70);
          }
          long number = attr;
          if (random.nextBoolean()) {
            attempt(() -> gic.device.set(group, number, random.nextInt()));
          } else {
            attempt(() -> gic.device.get(group, number));
          }
        }
      }
    }
  }

  /** A guest and a client of two ITSs. */
  private static final class ItsGuest extends GicGuest implements AutoCloseable {
    private static final long[] FRAMES = {TestIts.ITS, SECOND_ITS};

    private final TestIts machine;
    private final Device[] itss = new Device[2];
    int delivered;

    ItsGuest(long seed) throws KvmException {
      this(new TestIts(CPUS), seed);
    }

    private ItsGuest(TestIts machine, long seed) throws KvmException {
      super(machine.gic, new Random(seed));
      this.machine = machine;
      itss[0] = machine.its;
      itss[1] = gic.vm.createDevice(8);
      itss[1].set(0, 4, SECOND_ITS);
      asGuest(this::setUp);
    }

    @Override
    void step() {
      switch (random.nextInt(14)) {
        case 0 -> super.step();
        case 1 -> scribble();
        case 2 -> asGuest(this::registers);
        case 3, 4, 5 -> asGuest(this::setUp);
        case 6 -> client();
        case 7 -> {
          for (int cpu = 0; cpu < CPUS; cpu++) {
            int each = cpu;
            attempt(() -> machine.take(each));
          }
        }
        case 8, 9 -> {
          for (int i = 0; i < 8; i++) {
            message();
          }
        }
        default -> asGuest(this::commands);
      }
    }

    private interface Access {
      void run(Vcpu vcpu) throws KvmException;
    }

    private void asGuest(Access access) {
      Vcpu vcpu = gic.vcpus[random.nextInt(CPUS)];
      attempt(
          () -> {
            vcpu.enter();
            try {
              access.run(vcpu);
            } finally {
              vcpu.exit();
            }
          });
    }

    /** What makes both ITSs work, mostly. */
    private void setUp(Vcpu vcpu) throws KvmException {
      vcpu.write(TestGic.DISTRIBUTOR, 4, 2);
      for (int cpu = 0; cpu < CPUS; cpu++) {
        if (random.nextInt(4) == 0) {
          vcpu.write(TestIts.redistributor(cpu), 4, 0);
        }
        vcpu.write(TestGic.REDISTRIBUTORS + 0x70, 8, TestIts.RAM + TestIts.CONFIGURATION | 15);
        vcpu.write(TestIts.redistributor(cpu) + 0x78, 8, TestIts.RAM + TestIts.pending(cpu));
        vcpu.write(TestIts.redistributor(cpu), 4, 1);
        gic.write(vcpu, "ICC_PMR_EL1", 0xff);
        gic.write(vcpu, "ICC_IGRPEN1_EL1", 1);
      }
      for (int i = 0; i < 2; i++) {
        long indirect = random.nextInt(4) == 0 ? 1L << 62 : 0;
        long tables = TestIts.RAM + i * 0x4_0000L;
        vcpu.write(FRAMES[i], 4, 0);
        vcpu.write(FRAMES[i] + 0x100, 8, TestIts.VALID | indirect | tables);
        vcpu.write(FRAMES[i] + 0x108, 8, TestIts.VALID | tables + 0x2_0000);
        vcpu.write(FRAMES[i] + 0x80, 8, TestIts.VALID | TestIts.RAM + queue(i) | 0xf);
        vcpu.write(FRAMES[i], 4, 1);
      }
    }

    private static int queue(int its) {
      return TestIts.QUEUE + its * 0x1_0000;
    }

    private void commands(Vcpu vcpu) throws KvmException {
      int its = random.nextInt(2);
      int[] usual = {0x01, 0x08, 0x09, 0x0a, 0x0a, 0x0a, 0x0f, 0x03, 0x04, 0x0c, 0x0d, 0x0e, 0x0b};
      int count = random.nextInt(64);
      int begin = random.nextInt(2048);
      vcpu.write(FRAMES[its], 4, 0);
      for (int i = 0; i < count; i++) {
        int at = queue(its) + (begin + i) % 2048 * 32;
        int command =
            random.nextInt(16) == 0 ? random.nextInt(256) : usual[random.nextInt(usual.length)];
        int device = small();
        long table = TestIts.RAM + TestIts.EVENTS + (its * 8 + (device & 7)) * 0x1000L;
        long word2 =
            switch (command) {
              case 0x08 -> (random.nextInt(6) == 0 ? 0 : TestIts.VALID) | table;
              case 0x09 ->
                  (random.nextInt(6) == 0 ? 0 : TestIts.VALID)
                      | (long) random.nextInt(CPUS + 1) << 16
                      | random.nextInt(5);
              case 0x0e -> (long) random.nextInt(CPUS + 1) << 16;
              default -> random.nextInt(5);
            };
        long word1 =
            command == 0x08
                ? random.nextInt(8) == 0 ? random.nextInt() & 0x1f : 3
                : (long) (8192 + small()) << 32 | small() & 0xffff_ffffL;
        machine.ram.bytes.putLong(at, (long) device << 32 | command);
        machine.ram.bytes.putLong(at + 8, word1);
        machine.ram.bytes.putLong(at + 16, random.nextInt(32) == 0 ? random.nextLong() : word2);
        machine.ram.bytes.putLong(at + 24, (long) random.nextInt(CPUS + 1) << 16);
      }
      // From the begin of the queue on, by its base; or from where it is, round its end.
      vcpu.write(FRAMES[its] + 0x80, 8, vcpu.read(FRAMES[its] + 0x80, 8));
      vcpu.write(FRAMES[its] + 0x88, 8, begin * 32L);
      vcpu.write(FRAMES[its], 4, 1);
      vcpu.write(FRAMES[its] + 0x88, 8, (begin + count) % 2048 * 32L);
    }

    /** Mostly a small number, so that commands meet; now and then anything. */
    private int small() {
      return random.nextInt(24) == 0 ? random.nextInt() : random.nextInt(8);
    }

    private void registers(Vcpu vcpu) throws KvmException {
      for (int i = random.nextInt(6); i >= 0; i--) {
        long frame = FRAMES[random.nextInt(2)];
        int[] known = {0, 4, 8, 0x80, 0x84, 0x88, 0x8c, 0x90, 0x100, 0x104, 0x108, 0x10c, 0x110};
        int size = 1 << random.nextInt(4);
        if (random.nextInt(4) == 0) {
          register(vcpu, frame, 0x2_0000, size);
        } else {
          long at = frame + known[random.nextInt(known.length)];
          long value =
              random.nextInt(3) == 0
                  ? random.nextLong()
                  : random.nextLong() & 0xc000_0000_003f_ffffL | TestIts.RAM;
          vcpu.write(at, random.nextInt(3) == 0 ? 4 : 8, value);
          vcpu.read(at, size);
        }
      }
    }

    /** Writes into tables, queues and pending bits. */
    private void scribble() {
      int[] places = {
        TestIts.DEVICES,
        TestIts.COLLECTIONS,
        0x2_0000,
        0x4_0000,
        0x6_0000,
        TestIts.EVENTS,
        TestIts.CONFIGURATION,
        TestIts.PENDING + 0x400,
        TestIts.QUEUE
      };
      for (int i = random.nextInt(16); i >= 0; i--) {
        int at = places[random.nextInt(places.length)] + random.nextInt(64) * 8;
        long value =
            switch (random.nextInt(3)) {
              case 0 -> random.nextLong();
              case 1 -> TestIts.VALID | TestIts.RAM + random.nextInt(64) * 0x1_0000L;
              default -> random.nextInt(4) == 0 ? 0 : 0x0101_0101_0101_0101L * random.nextInt(256);
            };
        machine.ram.bytes.putLong(at, value);
      }
    }

    private void message() {
      long frame = FRAMES[random.nextInt(2)];
      long doorbell = frame + (random.nextInt(16) == 0 ? random.nextInt(0x2_0000) : 0x1_0040);
      int flags = random.nextInt(8) == 0 ? 0 : 1;
      attempt(() -> delivered += gic.vm.signalMsi(doorbell, small(), small(), flags));
    }

    private void client() {
      Device its = itss[random.nextInt(2)];
      switch (random.nextInt(8)) {
        case 0 -> attempt(() -> gic.device.set(4, 3, 0));
        case 1 -> attempt(() -> its.set(4, 1, 0));
        case 2 -> attempt(() -> its.set(4, 2, 0));
        case 3 -> {
          if (random.nextInt(4) == 0) {
            attempt(() -> its.set(4, 4, 0));
          }
        }
        case 4 -> attempt(() -> its.get(8, random.nextInt(64) * 8L));
        case 5 -> attempt(() -> its.set(8, random.nextInt(36) * 8L, random.nextLong()));
        case 6 -> {
          int lpi = 1 << 24 | 8192 + random.nextInt(10);
          attempt(() -> gic.vm.irqLine(lpi, 1));
        }
        default -> attempt(() -> gic.vm.restore(gic.vm.save()));
      }
    }

    /**
     * Saves the first ITS's tables into clean memory, restores them in another VM, and saves them
     * there: the same memory, and the same mappings. Not where the guest's tables are such that
     * saving is refused, or that one overwrites another.
     */
    boolean saveAndRestore() throws KvmException {
      Its saved = gic.vgic().itss.get(0);
      byte[] memory = machine.ram.bytes.array();
      if (!canBeSaved(saved)) {
        return false;
      }
      Arrays.fill(memory, TestIts.DEVICES, 0x4_0000, (byte) 0);
      Arrays.fill(memory, TestIts.EVENTS, TestIts.EVENTS + 0x1_0000, (byte) 0);
      if (!attempt(() -> itss[0].set(4, 1, 0))) {
        return false;
      }
      try (TestIts other =
          new TestIts(new VgicProvider(), CPUS, false, new TestRam(TestIts.SIZE))) {
        other.ram.bytes.put(0, memory);
        long propbaser = TestIts.RAM + TestIts.CONFIGURATION | 15;
        for (int word = 0; word < 8; word += 4) {
          other.gic.device.set(5, 0x70 + word, (int) (propbaser >>> word * 8));
          for (int cpu = 0; cpu < CPUS; cpu++) {
            long pendbaser = TestIts.RAM + TestIts.pending(cpu);
            other.gic.device.set(5, (long) cpu << 32 | 0x78 + word, (int) (pendbaser >>> word * 8));
          }
        }
        other.its.set(8, 0x100, itss[0].get(8, 0x100));
        other.its.set(8, 0x108, itss[0].get(8, 0x108));
        other.its.set(4, 2, 0);
        Its restored = other.gic.vgic().itss.get(0);
        assertEquals(Invariants.mappings(saved), Invariants.mappings(restored));
        Invariants.check(other.gic);
        byte[] before = other.ram.bytes.array().clone();
        other.its.set(4, 1, 0);
        assertArrayEquals(before, other.ram.bytes.array(), "saved, restored and saved again");
      }
      return true;
    }

    private boolean canBeSaved(Its its) {
      if (!its.deviceTable.isValid()
          || !its.collectionTable.isValid()
          || its.deviceTable.isIndirect()
          || its.deviceTable.address() != TestIts.RAM + TestIts.DEVICES
          || its.collectionTable.address() != TestIts.RAM + 0x2_0000) {
        return false;
      }
      long tables = TestIts.RAM + TestIts.EVENTS;
      for (ItsMappings.Device device : its.mappings.devices.values()) {
        boolean own = device.table == tables + (device.id & 7) * 0x1000L;
        if (!own || device.id > 7 || device.eventBits > 9) {
          return false;
        }
        for (ItsMappings.Event event = device.events; event != null; event = event.next) {
          if (event.collection.removed || event.interrupt().intid - 8192 >>> 16 != 0) {
            return false;
          }
        }
      }
      return true;
    }

    @Override
    public void close() {
      machine.close();
    }
  }

  /** Another VM of the process, which does the same again and again, on a thread of its own. */
  private static final class Neighbour implements AutoCloseable {
    private final Race race = new Race(60);
    private final AtomicInteger rounds = new AtomicInteger();

    Neighbour() throws KvmException {
      String expected = script();
      race.start(
          "another VM",
          () -> {
            while (race.goesOn()) {
              assertEquals(expected, script());
              rounds.incrementAndGet();
            }
          });
    }

    private static String script() throws KvmException {
      StringBuilder text = new StringBuilder();
      try (TestIts its = new TestIts(2)) {
        its.mapDevice(4, 4);
        for (int event = 0; event < 8; event++) {
          its.configure(TestIts.FIRST_LPI + event, event << 3, event != 5);
          its.mapEvent(4, event, TestIts.FIRST_LPI + event, event & 1);
          text.append(its.signal(4, event));
        }
        its.moveEvent(4, 2, 1);
        its.discard(4, 3);
        its.gic.line(40, true);
        for (int cpu = 0; cpu < 2; cpu++) {
          int taken;
          do {
            taken = its.take(cpu);
            text.append(' ').append(taken);
          } while (taken != TestGic.SPURIOUS);
        }
        its.signal(4, 6);
        its.gic.device.set(4, 3, 0);
        its.its.set(4, 1, 0);
        text.append(' ').append(Arrays.hashCode(its.ram.bytes.array()));
        for (int offset = 0; offset <= 0x108; offset += 8) {
          try {
            text.append(' ').append(its.register(offset));
          } catch (KvmException refused) {
            text.append(' ').append(refused.errno());
          }
        }
      }
      return text.toString();
    }

    @Override
    public void close() {
      try {
        assertNull(race.finish());
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      assertTrue(rounds.get() > 0, "the other VM did nothing");
    }
  }
}
