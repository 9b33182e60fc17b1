package org.kvmdev.runtime;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.InterruptController;
import org.kvmdev.api.machine.Routing;

/** A VM's interrupt routing: for each GSI its routes, in an array that is replaced as a whole. */
final class RoutingTable implements Routing {
  private static final Route[] NONE = {};
  private static final int VALID_DEVICE = 1;

  private final int chips;
  private final int pins;
  private volatile Route[][] byGsi = {};
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
    Route[][] table = new Route[last + 1][];
    for (int gsi = 0; gsi <= last; gsi++) {
      table[gsi] = next.getOrDefault(gsi, List.of()).toArray(NONE);
    }
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
    Route[][] table = byGsi;
    int status = -1;
    if (gsi < 0 || gsi >= table.length) {
      return status;
    }
    for (Route route : table[gsi]) {
      int delivered = send(route, level, controller);
      if (delivered >= 0) {
        status = delivered + Math.max(status, 0);
      }
    }
    return status;
  }

  private static int send(Route route, int level, InterruptController controller) {
    try {
      // A pattern switch would cost more here than all the rest of the way.
      if (route instanceof Route.Pin pin) {
        return controller.set(pin.chip(), pin.pin(), level);
      }
      Route.Message message = (Route.Message) route;
      return controller.routedMessage(
          message.address(), message.data(), message.device(), message.flags(), level);
    } catch (KvmException refusal) {
      return -refusal.errno().number();
    }
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
    Route[][] table = byGsi;
    if (gsi < 0 || gsi >= table.length) {
      return false;
    }
    for (Route route : table[gsi]) {
      if (route instanceof Route.Pin to && to.chip() == chip && to.pin() == pin) {
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
}
