package org.kvmdev.testkit.conformance;

import java.util.List;
import org.kvmdev.api.Access;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.AttributeId;
import org.kvmdev.api.AttributeTable;

/** The attributes of the reference device. */
enum LatchAttribute implements AttributeId {
  VALUE(Attribute.of(Groups.LATCH, 0, "VALUE", "The latched number.").size(8).build()),
  CLEAR(Attribute.of(Groups.LATCH, 1, "CLEAR", "Clears the number.").request().build()),
  WIDTH(
      Attribute.of(Groups.LATCH, 2, "WIDTH", "How many bits can be triggered.")
          .access(Access.READ)
          .build()),
  LABEL(Attribute.of(Groups.LATCH, 3, "LABEL", "Sixteen bytes.").size(16).build()),
  TRIGGER(
      Attribute.of(Groups.LATCH, 4, "TRIGGER", "Sets the bit of this number; EINVAL from WIDTH up.")
          .access(Access.WRITE)
          .build()),
  CELL(Attribute.keyed(Groups.CELLS, "cell", "A cell by its number.").keys(0, 7).build());

  static final AttributeTable<LatchAttribute> TABLE = AttributeTable.of(List.of(values()));

  private final Attribute attribute;

  LatchAttribute(Attribute attribute) {
    this.attribute = attribute;
  }

  @Override
  public Attribute attribute() {
    return attribute;
  }

  int group() {
    return attribute.group().number();
  }

  /** Whether an access is to this attribute. */
  boolean is(int group, long attr) {
    return group == group() && (attribute.isKeyed() || attr == attribute.number());
  }

  /** The groups, in a class of their own since an enum's constants come first. */
  static final class Groups {
    static final AttributeGroup LATCH = AttributeGroup.of(1, "LATCH", "The latch.").build();
    static final AttributeGroup CELLS =
        AttributeGroup.of(2, "CELLS", "Its cells.").field("cell", 63, 0, "The number.").build();

    private Groups() {}
  }
}
