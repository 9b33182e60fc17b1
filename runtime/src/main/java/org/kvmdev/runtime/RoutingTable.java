package org.kvmdev.runtime;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.InterruptController;
import org.kvmdev.api.machine.Routing;

/** A VM's interrupt routing: for each GSI its routes, in an array that is replaced as a whole. */
final class RoutingTable implements Routing {
  private static final int VALID_DEVICE = 1;

  private final int chips;
  private final int pins;
  private volatile @Nullable Target[] byGsi = {};
  private volatile boolean listens;
  private final Map<Integer, List<Runnable>> listeners = new ConcurrentHashMap<>();
  private final Map<Integer, Runnable> byAckedGsi = new ConcurrentHashMap<>();

  RoutingTable(Host host) {
    chips = (int) host.number("routing.chips", 0);
    pins = (int) host.number("routing.pins", 0);
  }

  @Override
  public void replace(List<Route> routes) throws KvmException {
    Map<Integer, List<Route>> next = new HashMap<>();
    int last = -1;
    for (Route route : routes) {
      check(route, next.getOrDefault(route.gsi(), List.of()));
      next.computeIfAbsent(route.gsi(), gsi -> new ArrayList<>()).add(route);
      last = Math.max(last, route.gsi());
    }
    @Nullable Target[] table = new @Nullable Target[last + 1];
    next.forEach(
        (gsi, same) -> {
          for (Route route : same.reversed()) {
            table[gsi] = new Target(route, table[gsi]);
          }
        });
    byGsi = table;
  }

  private void check(Route route, List<Route> same) throws KvmException {
    if (route.gsi() < 0 || route.gsi() >= GSIS) {
      throw new KvmException(
          Errno.EINVAL, "a route of GSI %d: the highest is %d", route.gsi(), GSIS - 1);
    }
    for (Route other : same) {
      if (!(route instanceof Route.Pin one)
          || !(other instanceof Route.Pin two)
          || one.chip() == two.chip()) {
        throw new KvmException(
            Errno.EINVAL,
            "GSI %d: it goes to one message, or to at most one pin of each chip",
            route.gsi());
      }
    }
    switch (route) {
      case Route.Pin pin -> {
        if (Integer.compareUnsigned(pin.chip(), chips) >= 0
            || Integer.compareUnsigned(pin.pin(), pins) >= 0) {
          throw new KvmException(
              Errno.EINVAL, "no pin %d of interrupt chip %d", pin.pin(), pin.chip());
        }
      }
      case Route.Message message -> {
        if ((message.flags() & ~VALID_DEVICE) != 0) {
          throw new KvmException(
              Errno.EINVAL, "message route flags %#x: only 1 exists", message.flags());
        }
      }
    }
  }

  /** Drives a GSI: the status is the sum of what its routes deliver, or -1 where there is none. */
  int drive(int gsi, int level, InterruptController controller) {
    @Nullable Target[] table = byGsi;
    int status = -1;
    if (gsi < 0 || gsi >= table.length) {
      return status;
    }
    for (Target target = table[gsi]; target != null; target = target.next) {
      int delivered = target.drive(level, controller);
      if (delivered >= 0) {
        status = delivered + Math.max(status, 0);
      }
    }
    return status;
  }

  @Override
  public void acked(int chip, int pin) {
    if (!listens) {
      return;
    }
    List<Runnable> told = listeners.get(chip << 16 | pin);
    if (told != null) {
      told.forEach(Runnable::run);
    }
    byAckedGsi.forEach(
        (gsi, listener) -> {
          if (leads(gsi, chip, pin)) {
            listener.run();
          }
        });
  }

  /** Whether a GSI goes to a pin; where nothing is routed, it is the pin. */
  private boolean leads(int gsi, int chip, int pin) {
    if (chips == 0) {
      return gsi == pin;
    }
    @Nullable Target[] table = byGsi;
    if (gsi < 0 || gsi >= table.length) {
      return false;
    }
    for (Target target = table[gsi]; target != null; target = target.next) {
      if (target.is(chip, pin)) {
        return true;
      }
    }
    return false;
  }

  /** Has a listener told of each end of an interrupt of the pins that a GSI goes to. */
  void onGsiAcked(int gsi, Runnable listener) {
    byAckedGsi.put(gsi, listener);
    listens = true;
  }

  /** Ends {@link #onGsiAcked}. */
  void removeGsiAcked(int gsi, Runnable listener) {
    byAckedGsi.remove(gsi, listener);
  }

  /** Has a listener told of each end of a pin's interrupt. */
  void onAcked(int chip, int pin, Runnable listener) {
    listens = true;
    listeners.computeIfAbsent(chip << 16 | pin, key -> new CopyOnWriteArrayList<>()).add(listener);
  }

  /** Where a line goes, a field each, and where else. */
  private static final class Target {
    final @Nullable Target next;
    private final int chip;
    private final int pin;
    private final Route.@Nullable Message message;

    Target(Route route, @Nullable Target next) {
      this.next = next;
      switch (route) {
        case Route.Pin to -> {
          chip = to.chip();
          pin = to.pin();
          message = null;
        }
        case Route.Message sent -> {
          chip = 0;
          pin = 0;
          message = sent;
        }
      }
    }

    boolean is(int otherChip, int otherPin) {
      return message == null && chip == otherChip && pin == otherPin;
    }

    /** Drives it; answers the status, or an errno's negative. */
    int drive(int level, InterruptController controller) {
      Route.Message sent = message;
      if (sent == null) {
        return controller.set(chip, pin, level);
      }
      try {
        return controller.routedMessage(
            sent.address(), sent.data(), sent.device(), sent.flags(), level);
      } catch (KvmException refusal) {
        return -refusal.errno().number();
      }
    }
  }
}
