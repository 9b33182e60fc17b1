package org.kvmdev.devices.xics;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The servers, by number: a hash table that is replaced whole when a vCPU is connected, so that
 * finding takes no lock. Numbers in sequence fall into slots in sequence.
 */
final class Servers {
  private volatile @Nullable PresentationController[] table =
      new @Nullable PresentationController[4];
  private volatile List<PresentationController> connected = List.of();

  /** The server of a number, or null. */
  @Nullable PresentationController find(int number) {
    @Nullable PresentationController[] slots = table;
    PresentationController server = slots[number & slots.length - 1];
    return server == null || server.number() == number ? server : search(slots, number);
  }

  private static @Nullable PresentationController search(
      @Nullable PresentationController[] slots, int number) {
    int mask = slots.length - 1;
    for (int i = number + 1 & mask; ; i = i + 1 & mask) {
      PresentationController server = slots[i];
      if (server == null || server.number() == number) {
        return server;
      }
    }
  }

  /** All servers, in the order in which they were connected. */
  List<PresentationController> all() {
    return connected;
  }

  /** Adds a server whose number is free; one thread at a time. */
  void add(PresentationController server) {
    List<PresentationController> more = new ArrayList<>(connected);
    more.add(server);
    @Nullable PresentationController[] slots =
        new @Nullable PresentationController[Integer.highestOneBit(more.size()) * 4];
    for (PresentationController each : more) {
      int i = each.number() & slots.length - 1;
      while (slots[i] != null) {
        i = i + 1 & slots.length - 1;
      }
      slots[i] = each;
    }
    connected = List.copyOf(more);
    table = slots;
  }

  /** Removes all. */
  void clear() {
    connected = List.of();
    table = new @Nullable PresentationController[4];
  }
}
