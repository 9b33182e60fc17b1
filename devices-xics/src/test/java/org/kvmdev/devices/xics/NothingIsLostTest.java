package org.kvmdev.devices.xics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/**
 * Many threads at once: edges are raised while their sources move between servers, change priority
 * and are masked, and servers interrupt each other. No event is lost, and none is delivered twice:
 * between a source's acknowledge and its end there is no other, and after its last event there is
 * one.
 */
@Timeout(60)
class NothingIsLostTest {
  private static final int SERVERS = 3;
  private static final int SOURCES = 24;
  private static final int FIRST = 0x3f4;
  private static final int EVENTS = 20_000;

  @Test
  void noEventIsLostOrDeliveredTwice() throws Exception {
    assertNull(race(new XicsProvider()));
  }

  @Test
  void aPlantedRaceIsFound() throws Exception {
    String fault = null;
    long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(40);
    while (fault == null && System.nanoTime() < patience) {
      fault = race(new RacingProvider(false));
    }
    assertTrue(fault != null, "events were neither lost nor doubled");
  }

  /** Runs the race; answers what went wrong, or null. */
  private static @Nullable String race(DeviceProvider provider) throws Exception {
    try (XicsMachine machine = new XicsMachine(provider, SERVERS);
        ExecutorService threads = Executors.newFixedThreadPool(SERVERS + 3)) {
      for (int i = 0; i < SOURCES; i++) {
        machine.edge(FIRST + i, i % SERVERS, 5);
      }
      return new Race(machine.xics()).run(threads);
    }
  }

  /** One race. */
  private static final class Race {
    private final Xics xics;
    private final AtomicLongArray raised = new AtomicLongArray(SOURCES);
    private final AtomicLongArray seen = new AtomicLongArray(SOURCES);
    private final AtomicLongArray inService = new AtomicLongArray(SOURCES);
    private final AtomicInteger busy = new AtomicInteger(3);
    private final AtomicReference<@Nullable String> fault = new AtomicReference<>();
    private final CountDownLatch start = new CountDownLatch(1);

    Race(Xics xics) {
      this.xics = xics;
    }

    @Nullable String run(ExecutorService threads) throws Exception {
      List<Future<?>> all = new ArrayList<>();
      all.add(threads.submit(() -> raise(1)));
      all.add(threads.submit(() -> raise(2)));
      all.add(threads.submit(() -> move(3)));
      for (int i = 0; i < SERVERS; i++) {
        int server = i;
        all.add(threads.submit(() -> serve(server)));
      }
      start.countDown();
      for (Future<?> one : all) {
        try {
          one.get();
        } catch (ExecutionException e) {
          fault.compareAndSet(null, e.getCause().toString());
        }
      }
      try {
        drain();
      } catch (IllegalStateException | AssertionError e) {
        fault.compareAndSet(null, e.toString());
      }
      for (int i = 0; i < SOURCES && fault.get() == null; i++) {
        long state = xics.route(FIRST + i);
        if (seen.get(i) != raised.get(i)) {
          fault.set("source %d: %d of %d".formatted(i, seen.get(i), raised.get(i)));
        } else if ((state & (SourceState.PRESENTED | SourceState.QUEUED)) != 0) {
          fault.set("source %d is left presented: %#x".formatted(i, state));
        }
      }
      return fault.get();
    }

    private void raise(int seed) {
      Random random = new Random(seed);
      await();
      for (int n = 0; n < EVENTS && fault.get() == null; n++) {
        int i = random.nextInt(SOURCES);
        raised.incrementAndGet(i);
        xics.line(FIRST + i, 1);
      }
      busy.decrementAndGet();
    }

    private void move(int seed) {
      Random random = new Random(seed);
      await();
      for (int n = 0; n < EVENTS && fault.get() == null; n++) {
        int source = FIRST + random.nextInt(SOURCES);
        switch (random.nextInt(4)) {
          case 0 -> xics.mask(source);
          case 1 -> xics.unmask(source);
          case 2 -> xics.setRoute(source, random.nextInt(SERVERS), 3 + random.nextInt(4));
          default -> xics.servers().all().get(random.nextInt(SERVERS)).setMfrr(4);
        }
      }
      for (int i = 0; i < SOURCES; i++) {
        xics.setRoute(FIRST + i, i % SERVERS, 5);
      }
      busy.decrementAndGet();
    }

    private void serve(int number) {
      PresentationController server = xics.servers().all().get(number);
      Random random = new Random(number);
      await();
      while (busy.get() > 0 && fault.get() == null) {
        if (!serveOne(server)) {
          Thread.onSpinWait();
        } else if (random.nextInt(8) == 0) {
          server.setCppr(random.nextInt(8));
          server.setCppr(0xff);
        }
      }
    }

    /** Serves what is left: an interrupt may have gone to a server whose thread was done. */
    private void drain() {
      boolean any = true;
      while (any && fault.get() == null) {
        any = false;
        for (PresentationController server : xics.servers().all()) {
          any |= serveOne(server);
        }
      }
    }

    /** Accepts and ends an interrupt; answers whether there was one. */
    private boolean serveOne(PresentationController server) {
      int source = server.accept() & 0xff_ffff;
      if (source == 0) {
        return false;
      }
      if (source == PresentationController.IPI) {
        server.setMfrr(0xff);
      } else {
        take(source - FIRST);
      }
      server.end(0xff, source);
      return true;
    }

    private void take(int i) {
      if (i < 0 || i >= SOURCES) {
        fault.compareAndSet(null, "accepted source " + (FIRST + i));
        return;
      }
      if (!inService.compareAndSet(i, 0, 1)) {
        fault.compareAndSet(null, "source " + i + " was delivered twice");
      }
      seen.set(i, raised.get(i));
      inService.set(i, 0);
    }

    private void await() {
      try {
        start.await();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  @Test
  void aDeviceThatIsClosedWhileLinesAreDrivenIsLeftAlone() throws Exception {
    for (int round = 0; round < 20; round++) {
      try (XicsMachine machine = new XicsMachine(2);
          ExecutorService threads = Executors.newFixedThreadPool(1)) {
        machine.edge(0x1000, 0, 5);
        Xics xics = machine.xics();
        CountDownLatch running = new CountDownLatch(1);
        AtomicInteger closed = new AtomicInteger();
        Future<Integer> lines =
            threads.submit(
                () -> {
                  int last = 0;
                  for (int n = 0; n < 1000 || closed.get() == 0; n++) {
                    last = xics.line(0x1000, 1);
                    running.countDown();
                  }
                  return last;
                });
        running.await();
        machine.device.close();
        closed.set(1);
        assertEquals(0, lines.get());
        KvmException none = assertThrows(KvmException.class, () -> machine.icp(0));
        assertEquals(Errno.ENXIO, none.errno());
      }
    }
  }
}
