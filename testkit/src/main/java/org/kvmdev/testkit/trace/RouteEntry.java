package org.kvmdev.testkit.trace;

import java.util.List;

/**
 * One entry of a routing table, as the client gave it: {@code struct kvm_irq_routing_entry}.
 *
 * @param gsi the interrupt's global number
 * @param type 1 to a controller's pin, 2 to a message; anything else must be refused
 * @param flags the entry's flags
 * @param words the union's first {@value #WORDS} words: irqchip and pin; or the address's low and
 *     high half, data and device id
 */
public record RouteEntry(int gsi, int type, int flags, List<Integer> words) {
  /** How many words of the union an entry has. */
  public static final int WORDS = 4;

  /** Copies the words. */
  public RouteEntry {
    words = List.copyOf(words);
  }
}
