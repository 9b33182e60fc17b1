package org.kvmdev.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Attributes found by their numbers. */
class AttributeTableTest {
  private static final AttributeGroup LOW = AttributeGroup.of(3, "LOW", "A group.").build();
  private static final AttributeGroup HIGH =
      AttributeGroup.of(0x4000_0001, "HIGH", "A group with a high number.").build();
  private static final AttributeGroup NEGATIVE =
      AttributeGroup.of(-2, "NEGATIVE", "A group with the highest bit.").build();
  private static final AttributeGroup KEYED = AttributeGroup.of(0, "KEYED", "Registers.").build();

  /** Some attributes. */
  private enum Some implements AttributeId {
    FIVE(Attribute.of(LOW, 5, "FIVE", "Five.").build()),
    THREE(Attribute.of(LOW, 3, "THREE", "Three.").build()),
    NEAR(Attribute.of(HIGH, 1, "NEAR", "One.").build()),
    FAR(Attribute.of(HIGH, 1L << 40, "FAR", "Far away.").build()),
    LAST(Attribute.of(NEGATIVE, -1, "LAST", "The last number.").build()),
    KEY(Attribute.keyed(KEYED, "register", "A register.").keys(0x10, 0x1f).build());

    private final Attribute attribute;

    Some(Attribute attribute) {
      this.attribute = attribute;
    }

    @Override
    public Attribute attribute() {
      return attribute;
    }
  }

  private final AttributeTable<Some> table = AttributeTable.of(List.of(Some.values()));

  @Test
  void eachIsFoundAtItsOwnNumberAndNowhereElse() {
    for (int group : new int[] {-2, -1, 0, 1, 3, 15, 16, 77, 0x4000_0001}) {
      for (long attr : new long[] {-1, 0, 1, 2, 3, 4, 5, 6, 0xf, 0x10, 0x1f, 0x20, 1L << 40}) {
        Some expected = null;
        for (Some each : Some.values()) {
          Attribute attribute = each.attribute();
          boolean inside =
              attribute.isKeyed()
                  ? attr >= attribute.firstKey() && attr <= attribute.lastKey()
                  : attr == attribute.number();
          expected = inside && attribute.group().number() == group ? each : expected;
        }
        assertEquals(expected, table.find(group, attr), group + "/" + attr);
      }
    }
  }

  @Test
  void groupsAreFoundByTheirNumbers() {
    assertEquals(LOW, table.group(3));
    assertEquals(HIGH, table.group(0x4000_0001));
    assertEquals(NEGATIVE, table.group(-2));
    assertNull(table.group(4));
    assertNull(table.group(-3));
    assertEquals(List.of(LOW, HIGH, NEGATIVE, KEYED), table.groups());
  }

  /** Two attributes that claim one number. */
  private enum Twice implements AttributeId {
    ONE,
    OTHER;

    @Override
    public Attribute attribute() {
      return Attribute.of(LOW, 1, name(), "The same.").build();
    }
  }

  @Test
  void twoOfOneNumberAreRefusedByName() {
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> AttributeTable.of(List.of(Twice.values())))
            .getMessage();
    assertTrue(message.contains("ONE and OTHER are both attribute 1"), message);
  }
}
