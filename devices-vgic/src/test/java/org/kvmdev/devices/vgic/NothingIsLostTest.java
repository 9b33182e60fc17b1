package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/**
 * Many threads at once: three vCPUs take interrupts, nested and with exits in between, while edges
 * and levels of SPIs and PPIs are driven, SGIs are sent, and interrupts are rerouted, masked, given
 * other priorities and read. A ledger has each of them: an edge and an SGI is taken once, whoever
 * takes it; a level again and again while its line is high, and once at most after it is low;
 * nothing is in service at two vCPUs.
 */
class NothingIsLostTest {
  private static final int SERVERS = 3;

  /** vCPUs in no guest, whose accesses the other threads make: one each. */
  private static final int LEVELS = SERVERS;

  private static final int FIRST_SENDER = SERVERS + 1;
  private static final int SENDERS = 2;
  private static final int STIRRER = FIRST_SENDER + SENDERS;
  private static final int CPUS = STIRRER + 1;

  private static final int FIRST_EDGE = 40;
  private static final int EDGES = 12;
  private static final int MASKED = 3;
  private static final int FIRST_LEVEL = 70;
  private static final int LEVEL_SPIS = 4;
  private static final int PPI = 20;
  private static final int SGI = 3;

  private static final int EVENTS = 250;
  private static final int RAISES = 60;

  /** How often a level is taken before its line goes low. */
  private static final int TAKES = 3;

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void nothingIsLostOrTakenTwice(boolean v3) throws Exception {
    assertNull(race(new VgicProvider(), v3, 30));
  }

  @ParameterizedTest
  @CsvSource({
    "QUEUED_IS_READ_WITHOUT_THE_LOCK, true",
    "QUEUED_IS_READ_WITHOUT_THE_LOCK, false",
    "TAKEN_IS_READ_WITHOUT_THE_LOCK, true",
    "TAKEN_IS_READ_WITHOUT_THE_LOCK, false"
  })
  void aPlantedRaceIsFound(PlantedRace planted, boolean v3) throws Exception {
    String fault = null;
    for (int attempt = 0; attempt < 20 && fault == null; attempt++) {
      fault = race(planted.provider(), v3, 2);
    }
    assertNotNull(fault, "nothing was found with " + planted);
    assertTrue(planted.explains(fault), fault);
    System.out.println("NothingIsLostTest: " + planted + ": " + fault);
  }

  private static @Nullable String race(DeviceProvider provider, boolean v3, int patience)
      throws Exception {
    TestGic gic = new TestGic(provider, v3, CPUS, true);
    String fault = new Ledger(gic, new Race(patience)).run();
    if (fault == null) {
      // A VM that went wrong may not come to its end.
      gic.close();
    }
    return fault;
  }

  /** One race, and what was injected and taken in it. */
  private static final class Ledger {
    private static final int SLOTS = 4096;

    private final TestGic gic;
    private final Race race;
    private final AtomicIntegerArray injected = new AtomicIntegerArray(SLOTS);
    private final AtomicIntegerArray taken = new AtomicIntegerArray(SLOTS);
    private final AtomicIntegerArray inService = new AtomicIntegerArray(SLOTS);

    Ledger(TestGic gic, Race race) {
      this.gic = gic;
      this.race = race;
    }

    @Nullable String run() throws Exception {
      prepare();
      for (int cpu = 0; cpu < SERVERS; cpu++) {
        int server = cpu;
        race.start("vCPU " + cpu, () -> serve(server));
      }
      race.start("reroutes and reads", this::stir);
      List<Thread> drivers = new ArrayList<>();
      for (int half = 0; half < 2; half++) {
        int begin = FIRST_EDGE + half * EDGES / 2;
        drivers.add(race.start("edges from " + begin, () -> driveEdges(begin, EDGES / 2)));
      }
      drivers.add(race.start("levels", this::driveLevels));
      drivers.add(race.start("PPIs", this::drivePpis));
      for (int sender = 0; sender < SENDERS; sender++) {
        int from = FIRST_SENDER + sender;
        drivers.add(race.start("SGIs from " + from, () -> sendSgis(from)));
      }
      for (Thread driver : drivers) {
        race.join(driver);
      }
      race.finish();
      if (race.fault() == null) {
        settle();
      }
      return race.fault();
    }

    /** A GICv3 does not deactivate what got another priority when in service: they are fixed. */
    private void prepare() throws KvmException {
      Random random = new Random(2);
      for (int intid = FIRST_EDGE; intid < FIRST_LEVEL + LEVEL_SPIS; intid++) {
        gic.priority(intid, random.nextInt(30) << 3);
      }
      Vcpu vcpu = gic.vcpus[0];
      for (int i = 0; i < LEVEL_SPIS; i++) {
        gic.levelSensitive(FIRST_LEVEL + i);
        gic.route(vcpu, FIRST_LEVEL + i, i % SERVERS);
      }
      for (int i = 0; i < EDGES; i++) {
        gic.route(vcpu, FIRST_EDGE + i, i % SERVERS);
      }
    }

    // What is taken.

    /** The place in the ledger of what was acknowledged: of SGIs by target and source. */
    private int slot(int cpu, int acknowledged) {
      int intid = acknowledged & 0x3ff;
      if (intid < 16) {
        return 2048 + (cpu * 16 + intid) * 8 + (acknowledged >> 10);
      }
      return intid < 32 ? 1024 + cpu * 32 + intid : intid;
    }

    private static String name(int slot) {
      if (slot >= 2048) {
        int of = slot - 2048;
        return "SGI %d from %d to vCPU %d".formatted(of >> 3 & 0xf, of & 7, of >> 7);
      }
      return slot >= 1024
          ? "PPI %d of vCPU %d".formatted(slot & 31, slot - 1024 >> 5)
          : "SPI " + slot;
    }

    private void serve(int cpu) throws KvmException {
      Random random = new Random(cpu);
      Vcpu vcpu = gic.vcpus[cpu];
      vcpu.enter();
      while (race.goesOn()) {
        // One vCPU asks all the time, the others when the pin says so.
        if (cpu != 0 && !vcpu.pin(0) || !take(cpu, random, 2)) {
          Thread.yield();
        }
        if (random.nextInt(16) == 0) {
          vcpu.exit();
          vcpu.enter();
        }
      }
      vcpu.exit();
    }

    /** Takes an interrupt, and now and then a more urgent one meanwhile; whether there was one. */
    private boolean take(int cpu, Random random, int depth) throws KvmException {
      Vcpu vcpu = gic.vcpus[cpu];
      int acknowledged = gic.acknowledge(vcpu);
      if ((acknowledged & 0x3ff) >= 1020) {
        return false;
      }
      int slot = slot(cpu, acknowledged);
      if (!inService.compareAndSet(slot, 0, 1)) {
        race.fault(name(slot) + " was taken twice: it is in service already");
      }
      int times = taken.incrementAndGet(slot);
      if (!isLevel(slot) && times > injected.get(slot)) {
        race.fault(
            "%s was taken twice: %d times of %d".formatted(name(slot), times, injected.get(slot)));
      }
      if (depth > 0 && random.nextInt(3) == 0) {
        take(cpu, random, depth - 1);
      }
      inService.set(slot, 0);
      gic.end(vcpu, acknowledged);
      return true;
    }

    private static boolean isLevel(int slot) {
      return slot >= FIRST_LEVEL && slot < FIRST_LEVEL + LEVEL_SPIS || slot >= 1024 && slot < 2048;
    }

    // What is injected.

    /** Injects an edge or sends an SGI. */
    private interface Injection {
      void inject() throws KvmException;
    }

    private boolean injectOnce(int slot, Injection injection) throws KvmException {
      int now = injected.incrementAndGet(slot);
      injection.inject();
      return race.await(
          () -> taken.get(slot) >= now,
          () ->
              "%s was lost: taken %d times of %d; %s"
                  .formatted(name(slot), taken.get(slot), now, state(slot)));
    }

    private void driveEdges(int begin, int count) throws KvmException {
      Random random = new Random(begin);
      for (int event = 0; event < EVENTS * count && race.goesOn(); event++) {
        int intid = begin + random.nextInt(count);
        injectOnce(intid, () -> gic.line(intid, true));
      }
    }

    private void sendSgis(int from) throws KvmException {
      Random random = new Random(from);
      Vcpu vcpu = gic.vcpus[from];
      for (int event = 0; event < 2 * EVENTS && race.goesOn(); event++) {
        int to = random.nextInt(SERVERS);
        if (gic.v3) {
          // The target does not see the source, so each has a number of its own.
          int sgi = SGI + from - FIRST_SENDER;
          injectOnce(
              slot(to, sgi), () -> gic.write(vcpu, "ICC_SGI1R_EL1", 1L << to | (long) sgi << 24));
        } else {
          injectOnce(
              slot(to, from << 10 | SGI),
              () -> vcpu.write(TestGic.DISTRIBUTOR + 0xf00, 4, 1L << 16 + to | SGI));
        }
      }
    }

    /** A line that is level-sensitive. */
    private interface Line {
      void drive(boolean high) throws KvmException;
    }

    private void driveLevel(int slot, Line line, @Nullable Vcpu reader) throws KvmException {
      int before = taken.get(slot);
      line.drive(true);
      if (reader != null && !isPending(reader, slot)) {
        race.fault(name(slot) + " is lost: its line is high, and it does not read as pending");
      }
      race.await(
          () -> taken.get(slot) >= before + TAKES,
          () ->
              "%s was lost: its line is high, and it was taken %d times instead of %d; %s"
                  .formatted(name(slot), taken.get(slot) - before, TAKES, state(slot)));
      line.drive(false);
      int low = taken.get(slot);
      // What was on its way to the CPU is taken; nothing after it.
      for (int i = 0; i < 20; i++) {
        Thread.yield();
        int after = taken.get(slot) - low;
        if (after > 1) {
          race.fault("%s was taken twice: %d times when low".formatted(name(slot), after));
        }
      }
    }

    private static boolean isPending(Vcpu reader, int intid) throws KvmException {
      long word = reader.read(TestGic.DISTRIBUTOR + 0x200 + intid / 32 * 4, 4);
      return (word >> intid % 32 & 1) != 0;
    }

    private void driveLevels() throws KvmException {
      for (int raise = 0; raise < RAISES * LEVEL_SPIS && race.goesOn(); raise++) {
        int intid = FIRST_LEVEL + raise % LEVEL_SPIS;
        driveLevel(intid, high -> gic.line(intid, high), gic.vcpus[LEVELS]);
      }
    }

    private void drivePpis() throws KvmException {
      for (int raise = 0; raise < RAISES * SERVERS && race.goesOn(); raise++) {
        int cpu = raise % SERVERS;
        driveLevel(
            slot(cpu, PPI), high -> gic.vm.irqLine(2 << 24 | cpu << 16 | PPI, high ? 1 : 0), null);
      }
    }

    /** Reroutes, masks for a moment, changes priorities, and reads. */
    private void stir() throws KvmException {
      Random random = new Random(1);
      Vcpu vcpu = gic.vcpus[STIRRER];
      while (race.goesOn()) {
        int intid =
            random.nextInt(4) == 0
                ? FIRST_LEVEL + random.nextInt(LEVEL_SPIS)
                : FIRST_EDGE + random.nextInt(EDGES);
        switch (random.nextInt(6)) {
          case 0 -> {
            // Enabling queues an interrupt that was lost, so only a few are masked.
            int masked = FIRST_EDGE + random.nextInt(MASKED);
            vcpu.write(TestGic.DISTRIBUTOR + 0x180 + masked / 32 * 4, 4, 1L << masked % 32);
            vcpu.write(TestGic.DISTRIBUTOR + 0x100 + masked / 32 * 4, 4, 1L << masked % 32);
          }
          case 1 -> {
            if (!gic.v3) {
              vcpu.write(TestGic.DISTRIBUTOR + 0x400 + intid, 1, random.nextInt(30) << 3);
            }
          }
          case 2 -> vcpu.read(TestGic.DISTRIBUTOR + 0x300 + intid / 32 * 4, 4);
          case 3 -> {
            // A burst, so that several leave one queue at once.
            for (int i = 0; i < EDGES; i++) {
              gic.route(vcpu, FIRST_EDGE + i, random.nextInt(SERVERS));
            }
          }
          default -> gic.route(vcpu, intid, random.nextInt(SERVERS));
        }
        if (random.nextInt(4) == 0) {
          Thread.yield();
        }
      }
    }

    /** What is left when all threads are done: nothing. */
    private void settle() throws KvmException {
      Random random = new Random(0);
      for (int cpu = 0; cpu < SERVERS; cpu++) {
        gic.vcpus[cpu].enter();
        while (take(cpu, random, 0)) {
          // What came when its vCPU's thread was done: a level's last.
        }
        gic.vcpus[cpu].exit();
      }
      for (int slot = 0; slot < SLOTS; slot++) {
        if (!isLevel(slot) && taken.get(slot) != injected.get(slot)) {
          race.fault(
              "%s was lost: taken %d times of %d"
                  .formatted(name(slot), taken.get(slot), injected.get(slot)));
        }
      }
      for (int at = 4; at < TestGic.INTERRUPTS / 8; at += 4) {
        long pending = gic.vcpus[0].read(TestGic.DISTRIBUTOR + 0x200 + at, 4);
        long active = gic.vcpus[0].read(TestGic.DISTRIBUTOR + 0x300 + at, 4);
        if ((pending | active) != 0) {
          race.fault(
              "left from SPI %d on: %#x pending, %#x active".formatted(at * 8, pending, active));
        }
      }
    }

    /** What the GIC knows of it, read without locks. */
    private String state(int slot) {
      Interrupt irq =
          slot >= 2048
              ? gic.vgic().cpu(slot - 2048 >> 7).own[slot - 2048 >> 3 & 0xf]
              : slot >= 1024
                  ? gic.vgic().cpu(slot - 1024 >> 5).own[slot & 31]
                  : gic.vgic().spi(slot);
      return "latch %b, line %b, enabled %b, active %b, queued on %s, home %d, target %s, moving %b"
          .formatted(
              irq.latch,
              irq.line,
              irq.enabled,
              irq.active,
              irq.queued ? irq.home.index : "none",
              irq.home.index,
              irq.target == null ? "none" : irq.target.index,
              irq.queueWhenHome);
    }
  }
}
