package org.kvmdev.testkit.conformance;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.register.Register;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/**
 * The numbers of each attribute that rules try. One with a number of its own has that; one that
 * stands for many is tried at the ends of its range, at its registers, at what the state
 * enumerates, and at what the options name.
 */
final class Samples {
  private static final int MOST = 64;

  private final Map<Attribute, List<Long>> valid = new LinkedHashMap<>();
  private final Map<Attribute, List<Long>> unmapped = new LinkedHashMap<>();
  private final Map<Attribute, List<Long>> enumerated = new LinkedHashMap<>();

  /**
   * Gathers them.
   *
   * @param subject the type
   * @param bench a device that was brought up
   */
  Samples(Subject subject, Bench bench) {
    Map<Integer, Set<Long>> state = enumerated(subject, bench);
    for (Attribute attribute : subject.type().attributes()) {
      if (!attribute.isKeyed()) {
        valid.put(attribute, List.of(attribute.number()));
        continue;
      }
      Set<Long> candidates = new LinkedHashSet<>(subject.options().keys(attribute));
      candidates.addAll(registers(attribute));
      Set<Long> told = state.getOrDefault(attribute.group().number(), Set.of());
      enumerated.put(attribute, List.copyOf(told));
      candidates.addAll(told);
      if (attribute.firstKey() != 0 || attribute.lastKey() != -1) {
        candidates.add(attribute.firstKey());
        candidates.add(attribute.lastKey());
      }
      candidates.removeIf(key -> bench.has(attribute.group().number(), key) != null);
      valid.put(attribute, spread(List.copyOf(candidates)));
      unmapped.put(attribute, unmapped(attribute));
    }
  }

  /** Numbers that name something, once the device is brought up. */
  List<Long> of(Attribute attribute) {
    return valid.getOrDefault(attribute, List.of());
  }

  /** The attribute's own number; of one that stands for many, what the state enumerates. */
  List<Long> numbered(Attribute attribute) {
    return attribute.isKeyed()
        ? spread(enumerated.getOrDefault(attribute, List.of()))
        : List.of(attribute.number());
  }

  /** Numbers of an attribute's range at which it has no register. */
  List<Long> unmapped(AttributeGroup group) {
    List<Long> all = new ArrayList<>();
    unmapped.forEach(
        (attribute, keys) -> {
          if (attribute.group().equals(group)) {
            all.addAll(keys);
          }
        });
    return all;
  }

  private static List<Long> registers(Attribute attribute) {
    List<Long> offsets = new ArrayList<>();
    for (RegisterMap<?> map : attribute.registers()) {
      for (Register register : map.registers()) {
        RegisterSpec spec = register.spec();
        offsets.add(spec.offset());
        offsets.add(spec.offset(spec.count() - 1));
      }
    }
    return offsets;
  }

  private static List<Long> unmapped(Attribute attribute) {
    if (attribute.registers().isEmpty()) {
      return List.of();
    }
    List<Long> none = new ArrayList<>();
    // Between and behind the registers; far away, but not in another field of the number.
    for (long offset : new long[] {0xfff8, 0xfff0, 0xff8, 0x7f8, 0x2f00, 0x7ffff8}) {
      boolean mapped = attribute.registers().stream().anyMatch(map -> map.at(offset) != null);
      if (!mapped && inRange(attribute, offset)) {
        none.add(offset);
      }
    }
    return none;
  }

  static boolean inRange(Attribute attribute, long key) {
    return Long.compareUnsigned(
            key - attribute.firstKey(), attribute.lastKey() - attribute.firstKey())
        <= 0;
  }

  private static Map<Integer, Set<Long>> enumerated(Subject subject, Bench bench) {
    Map<Integer, Set<Long>> found = new LinkedHashMap<>();
    if (!subject.declaresState()) {
      return found;
    }
    try {
      for (SavedValue value : SavedValue.of(bench.typedVm().save(), subject.type())) {
        found.computeIfAbsent(value.group(), g -> new LinkedHashSet<>()).add(value.attr());
      }
    } catch (KvmException e) {
      // Rules about state say so; these samples are then fewer.
    }
    return found;
  }

  private static List<Long> spread(List<Long> all) {
    if (all.size() <= MOST) {
      return all;
    }
    List<Long> some = new ArrayList<>();
    for (int i = 0; i < MOST; i++) {
      some.add(all.get((int) ((long) i * all.size() / MOST)));
    }
    return some;
  }
}
