package org.kvmdev.runtime;

import java.util.List;
import java.util.Set;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;

/**
 * A provider that was found, with what it declares (asked once) and where it came from.
 *
 * @param provider the provider
 * @param origin the jar's or module's name, for people
 * @param types its device types
 * @param architectures the architectures that it serves; empty for all
 * @param hosts the hosts that it ships
 */
record Plugin(
    DeviceProvider provider,
    String origin,
    List<DeviceType> types,
    Set<String> architectures,
    List<Host> hosts) {

  /** Asks a provider for its declarations. */
  static Plugin of(DeviceProvider provider, String origin) {
    return new Plugin(
        provider,
        origin,
        List.copyOf(provider.types()),
        Set.copyOf(provider.architectures()),
        List.copyOf(provider.hosts()));
  }

  boolean serves(Host host) {
    return architectures.isEmpty() || architectures.contains(host.architecture());
  }
}
