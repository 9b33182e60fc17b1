package org.kvmdev.api;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The attributes of a device type, found by (group, attr) without a look-up by string and without
 * allocation.
 *
 * @param <A> the enum that names them
 */
public final class AttributeTable<A extends Enum<A> & AttributeId> {
  /** Groups with lower numbers, as all of the kernel's are, are found at once. */
  private static final int LOW_NUMBERS = 16;

  private final List<AttributeGroup> groups;
  private final List<Attribute> attributes;

  /** The first attribute of each group that has a low number, by that number. */
  private final @Nullable Declared<A>[] low;

  /** The first attribute of each other group. */
  private final Declared<A>[] others;

  private AttributeTable(List<A> ids) {
    Map<AttributeGroup, List<A>> byGroup = new LinkedHashMap<>();
    List<Attribute> all = new ArrayList<>();
    for (A id : ids) {
      byGroup.computeIfAbsent(id.attribute().group(), g -> new ArrayList<>()).add(id);
      all.add(id.attribute());
    }
    groups = List.copyOf(byGroup.keySet());
    attributes = List.copyOf(all);
    low = array(LOW_NUMBERS);
    List<Declared<A>> high = new ArrayList<>();
    Map<Integer, AttributeGroup> seen = new HashMap<>();
    byGroup.forEach(
        (group, members) -> {
          AttributeGroup other = seen.put(group.number(), group);
          if (other != null) {
            throw new IllegalArgumentException(
                other + " and " + group + " are both group " + group.number());
          }
          Declared<A> first = null;
          for (A id : members.reversed()) {
            first = new Declared<>(id, first);
          }
          if (group.number() >= 0 && group.number() < LOW_NUMBERS) {
            low[group.number()] = first;
          } else {
            high.add(first);
          }
        });
    others = high.toArray(array(0));
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static <A extends Enum<A> & AttributeId> Declared<A>[] array(int length) {
    return new Declared[length];
  }

  /**
   * The table of an enum's attributes.
   *
   * @param ids the enum's constants, {@code List.of(MyAttribute.values())}
   * @param <A> the enum
   * @return the table
   * @throws IllegalArgumentException where two claim the same place
   */
  public static <A extends Enum<A> & AttributeId> AttributeTable<A> of(List<A> ids) {
    return new AttributeTable<>(ids);
  }

  /**
   * The groups, in the order of their first attribute.
   *
   * @return the groups
   */
  public List<AttributeGroup> groups() {
    return groups;
  }

  /**
   * The attributes, in the enum's order.
   *
   * @return the attributes
   */
  public List<Attribute> attributes() {
    return attributes;
  }

  /**
   * The group of a number.
   *
   * @param number the group's number
   * @return the group, or null
   */
  public @Nullable AttributeGroup group(int number) {
    Declared<A> first = first(number);
    return first == null ? null : first.group;
  }

  /**
   * The attribute at a place.
   *
   * @param group the group's number
   * @param attr the attribute's number
   * @return the attribute, or null where the group has no such, or there is no such group
   */
  public @Nullable A find(int group, long attr) {
    Declared<A> found = declared(group, attr);
    return found == null ? null : found.id;
  }

  /** The same, with what an access asks of its declaration. */
  @Nullable Declared<A> declared(int group, long attr) {
    Declared<A> each = first(group);
    while (each != null && !each.has(attr)) {
      each = each.next;
    }
    return each;
  }

  private @Nullable Declared<A> first(int group) {
    return Integer.compareUnsigned(group, low.length) < 0 ? low[group] : search(group);
  }

  private @Nullable Declared<A> search(int group) {
    for (Declared<A> first : others) {
      if (first.group.number() == group) {
        return first;
      }
    }
    return null;
  }

  /**
   * What an access asks of an attribute's declaration, a field each: what is found through one
   * object after another cannot be waited for by doing something else.
   */
  static final class Declared<A extends Enum<A> & AttributeId> {
    final A id;
    final AttributeGroup group;
    final int size;
    final boolean reads;
    final boolean writes;
    final boolean readsBeforeGet;

    /** That GET writes a number, and does nothing else with the caller's memory: what most do. */
    final boolean readsNumber;

    /** The next of the group; most that are accessed often are alone in theirs. */
    final @Nullable Declared<A> next;

    /** The lowest number that it stands for, and how far the highest is above it. */
    private final long first;

    private final long span;

    private Declared(A id, @Nullable Declared<A> next) {
      Attribute attribute = id.attribute();
      this.id = id;
      this.next = next;
      group = attribute.group();
      size = attribute.size();
      reads = attribute.access().reads();
      writes = attribute.access().writes();
      readsBeforeGet = attribute.readsBeforeGet();
      readsNumber = reads && size <= 8 && !readsBeforeGet;
      first = attribute.firstKey();
      span = attribute.lastKey() - first;
      for (Declared<A> other = next; other != null; other = other.next) {
        if (other.has(first) || has(other.first)) {
          throw new IllegalArgumentException(
              id + " and " + other.id + " are both attribute " + Math.max(first, other.first));
        }
      }
    }

    private boolean has(long attr) {
      return Long.compareUnsigned(attr - first, span) <= 0;
    }
  }
}
