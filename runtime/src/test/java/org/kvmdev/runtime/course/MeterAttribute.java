package org.kvmdev.runtime.course;

import java.util.List;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.AttributeId;
import org.kvmdev.api.AttributeTable;

/** The attributes of the course's device. */
// @start region="attributes"
enum MeterAttribute implements AttributeId {
  BASE_ADDR(
      Attribute.of(
              Groups.CONFIG, 0, "BASE_ADDR", "Where the guest finds the registers; 0: nowhere.")
          .size(8)
          .effects("EINVAL where it is no multiple of 16.")
          .build()),
  LINE(Attribute.of(Groups.CONFIG, 1, "LINE", "The line, as KVM_IRQ_LINE takes it.").build()),
  REGISTER(
      Attribute.keyed(Groups.REGISTER, "REGISTER", "A register, by its offset.")
          .keys(0x0, 0x7)
          .registers(MeterRegister.MAP)
          .build());

  static final AttributeTable<MeterAttribute> TABLE = AttributeTable.of(List.of(values()));

  private final Attribute attribute;

  MeterAttribute(Attribute attribute) {
    this.attribute = attribute;
  }

  @Override
  public Attribute attribute() {
    return attribute;
  }

  /** In a class of its own: an enum's constants are made before its other static fields. */
  private static final class Groups {
    static final AttributeGroup CONFIG =
        AttributeGroup.of(0, "METER_GRP_CONFIG", "Where it is.").build();
    static final AttributeGroup REGISTER =
        AttributeGroup.of(1, "METER_GRP_REGISTER", "Its registers.")
            .field("offset", 63, 0, "The register's offset.")
            .build();
  }
}
// @end
