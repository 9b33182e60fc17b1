package org.kvmdev.devices.vgic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/**
 * Interrupts are injected, taken, rerouted and read by many threads at once: each edge is taken
 * once, whoever takes it.
 */
class ConcurrencyTest {
  private static final int CPUS = 3;
  private static final int FIRST = 40;
  private static final int SPIS = 12;
  private static final int EDGES = 400;

  private final AtomicReference<Throwable> fault = new AtomicReference<>();
  private final AtomicBoolean stop = new AtomicBoolean();
  private final AtomicIntegerArray taken = new AtomicIntegerArray(1024);
  private final List<Thread> threads = new ArrayList<>();

  /** What a thread does. */
  private interface Body {
    void run() throws Exception;
  }

  private Thread start(Body body) {
    Thread thread =
        new Thread(
            () -> {
              try {
                body.run();
              } catch (Throwable thrown) {
                fault.compareAndSet(null, thrown);
                stop.set(true);
              }
            });
    threads.add(thread);
    thread.start();
    return thread;
  }

  private void takeInterrupts(TestGic gic, Vcpu vcpu) throws KvmException {
    vcpu.enter();
    while (!stop.get()) {
      if (vcpu.pin(0)) {
        int acknowledged = gic.acknowledge(vcpu);
        if (acknowledged < 1020) {
          taken.incrementAndGet(acknowledged);
          gic.end(vcpu, acknowledged);
        }
      } else {
        Thread.yield();
      }
    }
    vcpu.exit();
  }

  private void inject(TestGic gic, int intid) throws KvmException {
    for (int edge = 1; edge <= EDGES && !stop.get(); edge++) {
      gic.line(intid, true);
      while (taken.get(intid) < edge && !stop.get()) {
        Thread.yield();
      }
    }
  }

  /** Reroutes and reads, as a vCPU that is in no guest: accesses need none. */
  private void rerouteAndRead(TestGic gic) throws KvmException {
    Random random = new Random(1);
    Vcpu writer = gic.vcpus[CPUS];
    while (!stop.get()) {
      gic.route(writer, FIRST + random.nextInt(SPIS), random.nextInt(CPUS));
      writer.read(TestGic.DISTRIBUTOR + 0x304, 4);
      writer.read(TestGic.DISTRIBUTOR + 0x204, 4);
      Thread.yield();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  @Timeout(value = 120, unit = TimeUnit.SECONDS)
  void each_edge_is_taken_once(boolean v3) throws Exception {
    try (TestGic gic = new TestGic(v3, CPUS + 1)) {
      for (int cpu = 0; cpu < CPUS; cpu++) {
        Vcpu vcpu = gic.vcpus[cpu];
        start(() -> takeInterrupts(gic, vcpu));
      }
      start(() -> rerouteAndRead(gic));
      List<Thread> injectors = new ArrayList<>();
      for (int thread = 0; thread < 3; thread++) {
        int begin = FIRST + thread * SPIS / 3;
        injectors.add(
            start(
                () -> {
                  for (int intid = begin; intid < begin + SPIS / 3; intid++) {
                    inject(gic, intid);
                  }
                }));
      }
      for (Thread injector : injectors) {
        injector.join();
      }
      // An interrupt that would be taken twice has the time for it.
      Thread.sleep(50);
      stop.set(true);
      for (Thread thread : threads) {
        thread.join();
      }
      assertNull(fault.get());
      for (int intid = FIRST; intid < FIRST + SPIS; intid++) {
        assertEquals(EDGES, taken.get(intid), "INTID " + intid);
      }
    }
  }
}
