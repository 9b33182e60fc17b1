package org.kvmdev.runtime;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.InterruptController;

/**
 * Events that drive lines (KVM_IRQFD). Without more, a signal raises the line and lowers it. With
 * resampling it raises it; when the guest ends the interrupt the line is lowered, and the client
 * told by another event, so that it raises it again if its device still wants that.
 */
final class EventLines {
  private static final KvmException NOT_READY =
      KvmException.constant(
          Errno.EAGAIN, "KVM_IRQFD: the VM's interrupt controller is not ready; set it up first");
  private static final KvmException TAKEN =
      KvmException.constant(
          Errno.EBUSY,
          "KVM_IRQFD: the eventfd drives a line of this VM already; deassign it first");

  private final VirtualMachine machine;

  /** Guarded by this. */
  private final List<Line> lines = new ArrayList<>();

  /** Guarded by this: one for each GSI that any line samples again. */
  private final List<Resampler> resamplers = new ArrayList<>();

  EventLines(VirtualMachine machine) {
    this.machine = machine;
  }

  /** What is refused before the descriptors are looked at. */
  void requireReady() throws KvmException {
    InterruptController controller = machine.controller();
    if (controller == null || !controller.isReady()) {
      throw NOT_READY;
    }
  }

  void assign(Event event, int gsi, @Nullable Event resample) throws KvmException {
    Line line;
    synchronized (this) {
      for (Line other : lines) {
        if (other.event.equals(event)) {
          throw TAKEN;
        }
      }
      line = new Line(event, gsi, resample == null ? null : resampler(gsi));
      lines.add(line);
      if (line.resampler != null && resample != null) {
        line.resampler.told.add(resample);
        line.resample = resample;
      }
    }
    line.subscription = event.listen(line);
  }

  /** Guarded by this. */
  private Resampler resampler(int gsi) {
    for (Resampler resampler : resamplers) {
      if (resampler.gsi == gsi) {
        return resampler;
      }
    }
    Resampler made = new Resampler(gsi);
    resamplers.add(made);
    machine.routing.onGsiAcked(gsi, made);
    return made;
  }

  /** Ends what an event does on a GSI; doing nothing is no mistake. */
  void deassign(Event event, int gsi) {
    List<Line> gone = new ArrayList<>();
    synchronized (this) {
      for (Line line : lines) {
        if (line.event.equals(event) && line.gsi == gsi) {
          gone.add(line);
        }
      }
    }
    gone.forEach(this::remove);
  }

  private void remove(Line line) {
    boolean last = false;
    synchronized (this) {
      if (!lines.remove(line)) {
        return;
      }
      Resampler resampler = line.resampler;
      if (resampler != null) {
        resampler.told.remove(line.resample);
        last = resampler.told.isEmpty();
        if (last) {
          resamplers.remove(resampler);
          machine.routing.removeGsiAcked(resampler.gsi, resampler);
        }
      }
    }
    Event.Subscription subscription = line.subscription;
    if (subscription != null) {
      subscription.end();
    }
    if (last) {
      machine.driveGsi(line.gsi, 0);
    }
  }

  /** The VM ends. */
  void end() {
    List<Line> all;
    synchronized (this) {
      all = List.copyOf(lines);
      lines.clear();
    }
    for (Line line : all) {
      Event.Subscription subscription = line.subscription;
      if (subscription != null) {
        subscription.end();
      }
    }
  }

  private final class Line implements Event.Listener {
    final Event event;
    final int gsi;
    final @Nullable Resampler resampler;
    @Nullable Event resample;
    volatile Event.@Nullable Subscription subscription;

    Line(Event event, int gsi, @Nullable Resampler resampler) {
      this.event = event;
      this.gsi = gsi;
      this.resampler = resampler;
    }

    @Override
    public void signalled() {
      machine.driveGsi(gsi, 1);
      if (resampler == null) {
        machine.driveGsi(gsi, 0);
      }
    }

    @Override
    public void ended() {
      remove(this);
    }
  }

  /** Lowers a line whose interrupt was ended, and tells all who raised it. */
  private final class Resampler implements Runnable {
    final int gsi;

    /** Guarded by the lines. */
    final List<Event> told = new ArrayList<>();

    Resampler(int gsi) {
      this.gsi = gsi;
    }

    @Override
    public void run() {
      machine.driveGsi(gsi, 0);
      List<Event> now;
      synchronized (EventLines.this) {
        now = List.copyOf(told);
      }
      now.forEach(Event::signal);
    }
  }
}
