package org.kvmdev.api;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.LongSummaryStatistics;
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
  private final int[] groupNumbers;
  private final Group<A>[] rows;

  /** The groups that have low numbers, by number. */
  private final @Nullable Group<A>[] low;

  private AttributeTable(List<A> ids) {
    Map<AttributeGroup, List<A>> byGroup = new LinkedHashMap<>();
    List<Attribute> all = new ArrayList<>();
    for (A id : ids) {
      byGroup.computeIfAbsent(id.attribute().group(), g -> new ArrayList<>()).add(id);
      all.add(id.attribute());
    }
    groups = List.copyOf(byGroup.keySet());
    attributes = List.copyOf(all);
    groupNumbers = new int[groups.size()];
    @SuppressWarnings({"unchecked", "rawtypes"})
    Group<A>[] table = new Group[groups.size()];
    @SuppressWarnings({"unchecked", "rawtypes"})
    @Nullable Group<A>[] lowest = new Group[LOW_NUMBERS];
    rows = table;
    low = lowest;
    int row = 0;
    for (Map.Entry<AttributeGroup, List<A>> entry : byGroup.entrySet()) {
      groupNumbers[row] = entry.getKey().number();
      rows[row++] = new Group<>(entry.getKey(), entry.getValue());
    }
    for (int i = rows.length - 1; i >= 0; i--) {
      if (groupNumbers[i] >= 0 && groupNumbers[i] < LOW_NUMBERS) {
        low[groupNumbers[i]] = rows[i];
      }
    }
    checkDistinct();
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
    Group<A> row = row(number);
    return row == null ? null : row.group;
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
    Group<A> row = row(group);
    return row == null ? null : row.find(attr);
  }

  private @Nullable Group<A> row(int number) {
    if (Integer.compareUnsigned(number, low.length) < 0) {
      return low[number];
    }
    for (int i = 0; i < groupNumbers.length; i++) {
      if (groupNumbers[i] == number) {
        return rows[i];
      }
    }
    return null;
  }

  private void checkDistinct() {
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < i; j++) {
        if (groupNumbers[i] == groupNumbers[j]) {
          throw new IllegalArgumentException(
              groups.get(j) + " and " + groups.get(i) + " are both group " + groupNumbers[i]);
        }
      }
    }
  }

  /** What an access asks of an attribute's declaration, a field each. */
  static final class Declared<A extends Enum<A> & AttributeId> {
    final A id;
    final int size;
    final boolean reads;
    final boolean writes;
    final boolean readsBeforeGet;
    final boolean looksBeforeSet;

    /** That GET writes a number, and does nothing else with the caller's memory: what most do. */
    final boolean readsNumber;

    private Declared(A id) {
      Attribute attribute = id.attribute();
      this.id = id;
      size = attribute.size();
      reads = attribute.access().reads();
      writes = attribute.access().writes();
      readsBeforeGet = attribute.readsBeforeGet();
      looksBeforeSet = attribute.looksBeforeSet();
      readsNumber = reads && size <= 8 && !readsBeforeGet;
    }
  }

  /** One group's attributes: either one for many numbers, or a few with numbers of their own. */
  private static final class Group<A extends Enum<A> & AttributeId> {
    /** Attributes whose numbers are as close together as this are found by one array access. */
    private static final int CLOSE = 64;

    final AttributeGroup group;

    /** The lowest number, and how far the highest is above it. */
    private final long first;

    private final long span;

    private final @Nullable Declared<A> keyed;

    /** Attributes by their distance from the first, where they are close together. */
    private final @Nullable Declared<A>[] close;

    private final List<Declared<A>> all;

    Group(AttributeGroup group, List<A> ids) {
      this.group = group;
      all = ids.stream().map(Declared::new).toList();
      Attribute only = ids.get(0).attribute();
      if (ids.size() == 1 && only.isKeyed()) {
        keyed = all.get(0);
        first = only.firstKey();
        span = only.lastKey() - first;
        close = array(0);
        return;
      }
      keyed = null;
      LongSummaryStatistics numbers =
          ids.stream().mapToLong(id -> id.attribute().number()).summaryStatistics();
      first = numbers.getMin();
      span = numbers.getMax() - first;
      close = array(Long.compareUnsigned(span, CLOSE) < 0 ? (int) span + 1 : 0);
      Map<Long, A> seen = new HashMap<>();
      for (Declared<A> each : all) {
        long number = each.id.attribute().number();
        A other = seen.put(number, each.id);
        if (other != null) {
          throw new IllegalArgumentException(
              other + " and " + each.id + " are both attribute " + number);
        }
        if (close.length > 0) {
          close[(int) (number - first)] = each;
        }
      }
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static <A extends Enum<A> & AttributeId> @Nullable Declared<A>[] array(int length) {
      return new Declared[length];
    }

    @Nullable Declared<A> find(long attr) {
      long distance = attr - first;
      if (Long.compareUnsigned(distance, span) > 0) {
        return null;
      }
      if (keyed != null) {
        return keyed;
      }
      return distance < close.length ? close[(int) distance] : search(attr);
    }

    private @Nullable Declared<A> search(long attr) {
      for (Declared<A> each : all) {
        if (each.id.attribute().number() == attr) {
          return each;
        }
      }
      return null;
    }
  }
}
