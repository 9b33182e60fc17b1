package org.kvmdev.devices.vgic;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Vcpu;

/** A GIC with a race planted, which the tests of concurrency must find. */
enum PlantedRace {
  /**
   * An injection looks without the lock whether its interrupt is in a queue already. A line that
   * goes high and is not seen is lost; one that goes low and is not seen is taken again.
   */
  QUEUED_IS_READ_WITHOUT_THE_LOCK("lost", "twice") {
    @Override
    Vgic gic(Machine machine) {
      return new Planted(machine) {
        @Override
        void inject(Interrupt irq, boolean level, @Nullable Object owner) {
          if (irq.owner != owner || (irq.edge ? !level : irq.line == level)) {
            return;
          }
          boolean queued = irq.queued;
          letOthersRun();
          if (irq.edge) {
            irq.latch = true;
          } else {
            irq.line = level;
          }
          if (!queued) {
            VgicCpu home = irq.lock();
            queue(irq);
            home.unlock();
          }
        }
      };
    }
  },

  /** An injection makes sure that its edge is there, and does not see that it was taken. */
  TAKEN_IS_READ_WITHOUT_THE_LOCK("twice") {
    @Override
    Vgic gic(Machine machine) {
      return new Planted(machine) {
        @Override
        void inject(Interrupt irq, boolean level, @Nullable Object owner) {
          super.inject(irq, level, owner);
          letOthersRun();
          if (irq.edge && level && !irq.latch && irq.register == ListRegisters.NONE) {
            super.inject(irq, true, owner);
          }
        }
      };
    }
  },

  /** A message looks without the lock whether its LPI (8192 and the event) is in a queue. */
  MESSAGES_READ_QUEUED_WITHOUT_THE_LOCK("lost") {
    @Override
    Vgic gic(Machine machine) {
      return new Planted(machine) {
        @Override
        public int message(long address, int data, int device, int flags) throws KvmException {
          Lpis.Lpi lpi;
          synchronized (lpis) {
            lpi = lpis.find(Interrupt.FIRST_LPI + data);
          }
          if (lpi == null || !lpi.irq.queued) {
            return super.message(address, data, device, flags);
          }
          letOthersRun();
          lpi.irq.latch = true;
          return 1;
        }
      };
    }
  };

  /** What the tests may call what it does. */
  private final List<String> symptoms;

  PlantedRace(String... symptoms) {
    this.symptoms = List.of(symptoms);
  }

  /** Whether a test's fault is what it does. */
  boolean explains(String fault) {
    return symptoms.stream().anyMatch(fault::contains);
  }

  abstract Vgic gic(Machine machine);

  DeviceProvider provider() {
    return new VariantProvider(this::gic);
  }

  /** A GIC whose race has a wide window. */
  private abstract static class Planted extends Vgic {
    private static final long NANOSECONDS = 1_000_000;

    private final AtomicInteger exits = new AtomicInteger();

    Planted(Machine machine) {
      super(machine);
    }

    @Override
    public void exit(Vcpu vcpu) {
      super.exit(vcpu);
      exits.incrementAndGet();
    }

    /** Waits for a moment until a vCPU leaves the guest, so that few calls meet for sure. */
    void letOthersRun() {
      int before = exits.get();
      long end = System.nanoTime() + NANOSECONDS;
      while (exits.get() == before && System.nanoTime() < end) {
        Thread.yield();
      }
    }
  }
}
