package org.kvmdev.runtime;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.api.Operation;

/**
 * A provider that was found, with what it declares (asked once) and where it came from.
 *
 * @param provider the provider
 * @param origin where it came from
 * @param types its device types
 * @param architectures the architectures that it serves; empty for all
 * @param hosts the hosts that it ships
 */
public record Plugin(
    DeviceProvider provider,
    Origin origin,
    List<DeviceType> types,
    Set<String> architectures,
    List<Host> hosts) {

  /** Asks a provider for its declarations, and checks that they fit together. */
  static Plugin of(DeviceProvider provider, Origin origin) throws Rejection {
    String name = provider.getClass().getName();
    Plugin plugin =
        new Plugin(
            provider,
            origin,
            List.copyOf(ask(name + ".types()", provider::types)),
            Set.copyOf(ask(name + ".architectures()", provider::architectures)),
            List.copyOf(ask(name + ".hosts()", provider::hosts)));
    for (int i = 0; i < plugin.types.size(); i++) {
      check(plugin.types.get(i));
      for (DeviceType other : plugin.types.subList(0, i)) {
        if (other.number() == plugin.types.get(i).number()) {
          throw inconsistent(
              name
                  + " gives the number "
                  + other.numberText()
                  + " to both "
                  + other
                  + " and "
                  + plugin.types.get(i),
              "Give one of them another number.");
        }
      }
    }
    for (Host host : plugin.hosts) {
      if (!plugin.serves(host)) {
        throw inconsistent(
            name
                + " ships the host "
                + host
                + " of the architecture "
                + host.architecture()
                + ", which it does not serve",
            "Add " + host.architecture() + " to its architectures().");
      }
    }
    return plugin;
  }

  /** Reads its hosts' tables, so that what is wrong with them is known now. */
  Plugin withTables() throws Rejection {
    for (Host host : hosts) {
      try {
        host.tables();
      } catch (RuntimeException | Error fault) {
        throw Rejection.of("its host " + host + " cannot be used", fault);
      }
    }
    return this;
  }

  /** Whether VMs of a host can have this provider's devices. */
  boolean serves(Host host) {
    return architectures.isEmpty() || architectures.contains(host.architecture());
  }

  /** The types that VMs of a host can have: the kernel's that it lists, and third parties'. */
  List<DeviceType> types(Host host) {
    if (!serves(host)) {
      return List.of();
    }
    List<Long> listed = host.numbers("devices");
    return types.stream()
        .filter(
            type ->
                type.number() >= DeviceType.FIRST_THIRD_PARTY
                    || listed.contains((long) type.number()))
        .toList();
  }

  private interface Question<T> {
    @Nullable Collection<T> answer();
  }

  private static <T> Collection<T> ask(String what, Question<T> question) throws Rejection {
    Collection<T> answer;
    try {
      answer = question.answer();
    } catch (RuntimeException | Error fault) {
      throw Rejection.of("asking " + what + " failed", fault);
    }
    if (answer == null) {
      throw inconsistent(what + " answers null", "Answer an empty collection instead.");
    }
    for (T each : answer) {
      if (each == null) {
        throw inconsistent(what + " has a null in it", "Leave it out.");
      }
    }
    return answer;
  }

  private static void check(DeviceType type) throws Rejection {
    if (type.number() <= 0) {
      throw inconsistent(
          "the type " + type + " has the number " + type.number(),
          "Third parties' numbers are 0x40000000 to 0x7fffffff.");
    }
    if (type.name().isBlank() || type.fileName().isBlank()) {
      throw inconsistent(
          "the type " + type.numberText() + " has no name, or none for its file",
          "Give DeviceType.of both.");
    }
    Set<Integer> groups = new HashSet<>();
    for (AttributeGroup group : type.groups()) {
      if (!groups.add(group.number())) {
        throw inconsistent(
            "the type " + type + " has two groups of the number " + group.number(),
            "Give one of them another number.");
      }
    }
    Set<List<Object>> places = new HashSet<>();
    for (Attribute attribute : type.attributes()) {
      if (!type.groups().contains(attribute.group())) {
        throw inconsistent(
            "the type " + type + " declares " + attribute + " without its group",
            "Declare the group too.");
      }
      if (!attribute.isKeyed()
          && !places.add(List.of(attribute.group().number(), attribute.number()))) {
        throw inconsistent(
            "the type "
                + type
                + " has two attributes of the number "
                + attribute.number()
                + " in "
                + attribute.group(),
            "Give one of them another number.");
      }
      if (attribute.access().reads() && !type.has(Operation.GET_ATTR)
          || attribute.access().writes() && !type.has(Operation.SET_ATTR)) {
        throw inconsistent(
            "the type "
                + type
                + " declares "
                + attribute
                + " with an access whose operation it does not have",
            "Add GET_ATTR or SET_ATTR to its operations, or change the access.");
      }
    }
  }

  private static Rejection inconsistent(String what, String cure) {
    return new Rejection(what, cure);
  }
}
