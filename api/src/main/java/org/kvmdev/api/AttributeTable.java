package org.kvmdev.api;

import java.util.ArrayList;
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
  private final int[] groupNumbers;
  private final Group<A>[] rows;

  /** The groups that have low numbers, by number. */
  private final @Nullable Group<A>[] low;

  /** The declarations, by the enum's ordinals. */
  private final Attribute[] declarations;

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
    declarations = new Attribute[ids.stream().mapToInt(Enum::ordinal).max().orElse(-1) + 1];
    ids.forEach(id -> declarations[id.ordinal()] = id.attribute());
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
    Group<A> row = row(group);
    return row == null ? null : row.find(attr);
  }

  /** What an attribute is declared as, for those who have many enums and ask often. */
  Attribute declaration(A id) {
    return declarations[id.ordinal()];
  }

  private @Nullable Group<A> row(int number) {
    if (number >= 0 && number < LOW_NUMBERS) {
      return low[number];
    }
    int[] numbers = groupNumbers;
    for (int i = 0; i < numbers.length; i++) {
      if (numbers[i] == number) {
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

  /** One group's attributes: either one for many numbers, or a few with numbers of their own. */
  private static final class Group<A extends Enum<A> & AttributeId> {
    final AttributeGroup group;
    final @Nullable A keyed;
    final A[] numbered;
    final long[] numbers;
    final long firstKey;
    final long keys;

    Group(AttributeGroup group, List<A> ids) {
      this.group = group;
      @SuppressWarnings({"unchecked", "rawtypes"})
      A[] copy = (A[]) ids.toArray(new Enum[0]);
      this.numbered = copy;
      this.numbers = new long[ids.size()];
      if (ids.size() == 1 && ids.get(0).attribute().isKeyed()) {
        keyed = ids.get(0);
        firstKey = keyed.attribute().firstKey();
        keys = keyed.attribute().lastKey() - firstKey;
        return;
      }
      keyed = null;
      firstKey = 0;
      keys = 0;
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = ids.get(i).attribute().number();
        for (int j = 0; j < i; j++) {
          if (numbers[i] == numbers[j]) {
            throw new IllegalArgumentException(
                ids.get(j) + " and " + ids.get(i) + " are both attribute " + numbers[i]);
          }
        }
      }
    }

    @Nullable A find(long attr) {
      if (keyed != null) {
        return Long.compareUnsigned(attr - firstKey, keys) <= 0 ? keyed : null;
      }
      long[] all = numbers;
      for (int i = 0; i < all.length; i++) {
        if (all[i] == attr) {
          return numbered[i];
        }
      }
      return null;
    }
  }
}
