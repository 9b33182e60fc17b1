package org.kvmdev.devices.xics;

import java.util.List;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.AttributeId;
import org.kvmdev.api.AttributeTable;
import org.kvmdev.api.Errno;

/** The attributes of the XICS. */
enum XicsAttribute implements AttributeId {
  /** A source's word. */
  SOURCE(
      Attribute.keyed(
              Groups.SOURCES, "source", "The state of an interrupt source, " + Groups.FIELDS)
          .size(8)
          .keys(Sources.FIRST, Sources.END - 1)
          .when(
              "GET of a source that was never set is ENOENT. SET of a server that does not exist is"
                  + " EINVAL, unless the priority is 255.")
          .effects(
              "SET makes the source's block of 1024, even where it is then refused. It replaces the"
                  + " whole state, and a source that is written as pending is sent at once.")
          .source("Documentation/virt/kvm/devices/xics.rst")
          .build());

  static final AttributeTable<XicsAttribute> TABLE = AttributeTable.of(List.of(values()));

  private final Attribute attribute;

  XicsAttribute(Attribute attribute) {
    this.attribute = attribute;
  }

  @Override
  public Attribute attribute() {
    return attribute;
  }

  /** The groups; in a class of their own, since an enum's constants come first. */
  static final class Groups {
    static final String FIELDS = fields();

    static final AttributeGroup SOURCES =
        AttributeGroup.of(
                1, "KVM_DEV_XICS_GRP_SOURCES", "The interrupt sources, each by its number.")
            .field("source", 63, 0, "The source's number, 16 to 0xfffff.")
            .unknown(Errno.ENXIO, Errno.ENOENT, Errno.ENOENT)
            .getMask(0xffff_ffffL)
            .departs(
                "unknown_attribute_is_enxio",
                "GET and SET of a number that is no source's are ENOENT.",
                "Documentation/virt/kvm/devices/xics.rst")
            .departs(
                "has_agrees_with_get_and_set",
                "GET looks at the low 32 bits of the number alone; HAS and SET look at all.",
                "recorded: core-attrs")
            .build();

    private Groups() {}

    private static String fields() {
      StringBuilder text = new StringBuilder();
      for (SourceField field : SourceField.values()) {
        text.append(text.isEmpty() ? "" : ", ").append(field).append(' ').append(field.high);
        if (field.low != field.high) {
          text.append(':').append(field.low);
        }
      }
      return text + ".";
    }
  }
}
