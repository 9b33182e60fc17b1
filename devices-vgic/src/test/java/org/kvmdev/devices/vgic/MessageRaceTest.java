package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/**
 * Messages arrive while the guest maps, moves, discards and invalidates their events, and disables
 * the ITS. A message that was delivered (KVM_SIGNAL_MSI answers 1) is taken once, also where its
 * event is gone by then: what is pending stays, as in the kernel, where a queue holds a reference.
 * One that was not (0, EBUSY) is not taken.
 */
class MessageRaceTest {
  private static final int DEVICE = 4;
  private static final int SERVERS = 2;

  /** Of each kind: events that stay mapped, that are mapped and discarded, that are cleared. */
  private static final int EVENTS = 6;

  private static final int DISCARDED = EVENTS;
  private static final int CLEARED = 2 * EVENTS;
  private static final int ALL = 3 * EVENTS;
  private static final int MESSAGES = 2_000;

  @Test
  void noMessageIsLostOrTakenTwice() throws Exception {
    assertNull(race(new VgicProvider(), 30));
  }

  @Test
  void aPlantedRaceIsFound() throws Exception {
    String fault = null;
    for (int attempt = 0; attempt < 20 && fault == null; attempt++) {
      fault = race(PlantedRace.MESSAGES_READ_QUEUED_WITHOUT_THE_LOCK.provider(), 2);
    }
    assertNotNull(fault, "nothing was found");
    assertTrue(fault.contains("lost"), fault);
    System.out.println("MessageRaceTest: " + fault);
  }

  private static @Nullable String race(DeviceProvider provider, int patience) throws Exception {
    TestIts its = new TestIts(provider, SERVERS + 1, true, new TestRam(TestIts.SIZE));
    String fault = new Ledger(its, new Race(patience)).run();
    if (fault == null) {
      its.close();
    }
    return fault;
  }

  /** One race, and which messages were delivered and taken in it. */
  private static final class Ledger {
    private final TestIts its;
    private final Race race;
    private final AtomicIntegerArray sent = new AtomicIntegerArray(ALL);
    private final AtomicIntegerArray taken = new AtomicIntegerArray(ALL);
    private final AtomicIntegerArray inService = new AtomicIntegerArray(ALL);

    Ledger(TestIts its, Race race) {
      this.its = its;
      this.race = race;
    }

    @Nullable String run() throws Exception {
      its.mapDevice(DEVICE, 8);
      for (int event = 0; event < ALL; event++) {
        its.configure(TestIts.FIRST_LPI + event, event % 4 << 3, true);
        map(event, event % SERVERS);
      }
      for (int cpu = 0; cpu < SERVERS; cpu++) {
        Vcpu vcpu = its.gic.vcpus[cpu];
        race.start("vCPU " + cpu, () -> serve(vcpu));
      }
      race.start("commands", this::command);
      List<Thread> senders = new ArrayList<>();
      for (int kind = 0; kind < 3; kind++) {
        int begin = kind * EVENTS;
        senders.add(race.start("messages of " + begin, () -> send(begin)));
      }
      for (Thread sender : senders) {
        race.join(sender);
      }
      race.finish();
      if (race.fault() == null) {
        settle();
      }
      return race.fault();
    }

    private void map(int event, int cpu) throws KvmException {
      its.mapEvent(DEVICE, event, TestIts.FIRST_LPI + event, cpu);
    }

    private void serve(Vcpu vcpu) throws KvmException {
      vcpu.enter();
      while (race.goesOn()) {
        if (!vcpu.pin(0) || !take(vcpu)) {
          // What was moved to another vCPU goes there when this one leaves the guest.
          vcpu.exit();
          Thread.yield();
          vcpu.enter();
        }
      }
      vcpu.exit();
    }

    private boolean take(Vcpu vcpu) throws KvmException {
      int intid = its.gic.acknowledge(vcpu);
      if (intid == TestGic.SPURIOUS) {
        return false;
      }
      int event = intid - TestIts.FIRST_LPI;
      if (!inService.compareAndSet(event, 0, 1)) {
        race.fault("LPI %d was taken twice: it is in service already".formatted(intid));
      }
      int times = taken.incrementAndGet(event);
      if (times > sent.get(event)) {
        race.fault(
            "LPI %d was taken twice: %d times of %d".formatted(intid, times, sent.get(event)));
      }
      inService.set(event, 0);
      its.gic.end(vcpu, intid);
      return true;
    }

    /** Sends messages, of each event the next when the last was taken. */
    private void send(int begin) throws KvmException {
      Random random = new Random(begin);
      for (int message = 0; message < MESSAGES && race.goesOn(); message++) {
        int event = begin + random.nextInt(EVENTS);
        int before = sent.getAndIncrement(event);
        int answer = signal(event);
        if (answer == 0) {
          sent.decrementAndGet(event);
        } else if (begin == CLEARED) {
          Thread.yield();
        } else {
          race.await(
              () -> taken.get(event) > before,
              () ->
                  "the message of LPI %d was lost: taken %d times of %d"
                      .formatted(TestIts.FIRST_LPI + event, taken.get(event), before + 1));
        }
      }
    }

    private int signal(int event) throws KvmException {
      try {
        return its.signal(DEVICE, event);
      } catch (KvmException disabled) {
        if (disabled.errno() != Errno.EBUSY) {
          throw disabled;
        }
        return 0;
      }
    }

    private void command() throws KvmException {
      Random random = new Random(7);
      while (race.goesOn()) {
        int event = random.nextInt(ALL);
        int discarded = DISCARDED + random.nextInt(EVENTS);
        switch (random.nextInt(8)) {
          case 0 -> its.moveEvent(DEVICE, event, random.nextInt(SERVERS));
          case 1 -> its.invalidate(DEVICE, CLEARED + random.nextInt(EVENTS));
          case 2 -> its.clear(DEVICE, CLEARED + random.nextInt(EVENTS));
          case 3 -> {
            its.driver.write(TestIts.ITS, 4, 0);
            its.driver.write(TestIts.ITS, 4, 1);
          }
          case 4, 5 -> its.discard(DEVICE, discarded);
          default -> map(discarded, random.nextInt(SERVERS));
        }
        if (random.nextInt(4) == 0) {
          Thread.yield();
        }
      }
    }

    /** Nothing is left but what is mapped. */
    private void settle() throws KvmException {
      for (int round = 0; round < 2; round++) {
        for (int cpu = 0; cpu < SERVERS; cpu++) {
          Vcpu vcpu = its.gic.vcpus[cpu];
          vcpu.enter();
          while (take(vcpu)) {
            // What was moved or came when its vCPU's thread was done.
          }
          vcpu.exit();
        }
      }
      for (int event = 0; event < CLEARED; event++) {
        if (taken.get(event) != sent.get(event)) {
          race.fault(
              "the message of LPI %d was lost: taken %d times of %d"
                  .formatted(TestIts.FIRST_LPI + event, taken.get(event), sent.get(event)));
        }
      }
      for (int cpu = 0; cpu < SERVERS; cpu++) {
        if (!its.gic.vgic().cpu(cpu).queue.isEmpty()) {
          race.fault("an LPI was lost: it is left in the queue of vCPU " + cpu);
        }
      }
    }
  }

  /**
   * A message finds its translation in the cache while its event is discarded: either the message
   * comes first and its LPI is pending, and the next mapping of its INTID is of this LPI; or it
   * comes too late and finds nothing. There are never two LPIs of one INTID.
   */
  @Test
  void a_message_and_a_discard_at_once_leave_one_LPI_or_none() throws Exception {
    int rounds = 20_000;
    try (TestIts its = new TestIts(2)) {
      its.configure(TestIts.FIRST_LPI, 0, true);
      its.mapDevice(DEVICE, 8);
      Race race = new Race(30);
      Random random = new Random(1);
      int delay = 100;
      AtomicInteger round = new AtomicInteger();
      AtomicInteger answered = new AtomicInteger();
      AtomicInteger late = new AtomicInteger();
      race.start(
          "messages",
          () -> {
            for (int i = 1; i <= rounds; i++) {
              int now = i;
              if (race.await(() -> round.get() == now, () -> "no round " + now)) {
                late.addAndGet(1 - its.signal(DEVICE, 0));
                answered.set(i);
              }
            }
          });
      for (int i = 1; i <= rounds && race.goesOn(); i++) {
        int now = i;
        int lateBefore = late.get();
        its.mapEvent(DEVICE, 0, TestIts.FIRST_LPI, 0);
        its.signal(DEVICE, 0);
        assertEquals(TestIts.FIRST_LPI, its.take(0));
        round.set(i);
        // As long as makes the one come first as often as the other.
        for (int spins = random.nextInt(1 + delay); spins > 0; spins--) {
          Thread.onSpinWait();
        }
        its.discard(DEVICE, 0);
        race.await(() -> answered.get() == now, () -> "no answer in round " + now);
        delay = Math.clamp(delay + (late.get() > lateBefore ? 10 : -10), 0, 5_000);
        its.mapEvent(DEVICE, 0, TestIts.FIRST_LPI, 0);
        assertEquals(1, its.signal(DEVICE, 0));
        assertEquals(TestIts.FIRST_LPI, its.take(0), "round " + i);
        assertEquals(TestGic.SPURIOUS, its.take(0), "a second LPI 8192, round " + i);
        its.discard(DEVICE, 0);
      }
      assertNull(race.finish());
      System.out.printf(
          "MessageRaceTest: %d of %d messages came after the discard%n", late.get(), rounds);
    }
  }
}
