package org.kvmdev.devices.mpic;

import java.util.List;
import java.util.stream.Stream;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.AttributeId;
import org.kvmdev.api.AttributeTable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.register.RegisterMap;

/** The device's attributes (Documentation/virt/kvm/devices/mpic.rst). */
enum MpicAttribute implements AttributeId {
  BASE_ADDR(
      Attribute.of(
              Groups.MISC,
              0,
              "KVM_DEV_MPIC_BASE_ADDR",
              "Where the guest finds the registers: a guest physical address, 0 for nowhere.")
          .size(8)
          .when("always; EINVAL unless a multiple of 256 KiB")
          .effects("The guest's window moves.")
          .source("mpic.rst, KVM_DEV_MPIC_GRP_MISC")
          .build()),
  REGISTER(
      Attribute.keyed(Groups.REGISTER, "register", "A register, by its offset.")
          .when(
              "always; ENXIO at an offset that is no multiple of 4, or where no part of the device"
                  + " is")
          .effects("As the guest's access to the register, but by no CPU.")
          .source("mpic.rst, KVM_DEV_MPIC_GRP_REGISTER")
          .build()),
  IRQ_ACTIVE(
      Attribute.keyed(
              Groups.IRQ_ACTIVE,
              "source",
              "A source's line: 1 raises it, 0 lowers it where it is level.")
          .keys(0, Source.FIRST_INTERPROCESSOR)
          .when("always; SET answers EINVAL for a value other than 0 and 1")
          .effects(
              "SET drives the line; an edge-sensitive source takes 1 as an edge. 256, one above the"
                  + " last source, is interprocessor interrupt 0.")
          .source("mpic.rst, KVM_DEV_MPIC_GRP_IRQ_ACTIVE")
          .build());

  static final AttributeTable<MpicAttribute> TABLE = AttributeTable.of(List.of(values()));

  private final Attribute attribute;

  MpicAttribute(Attribute attribute) {
    this.attribute = attribute;
  }

  /** The attributes of a model with these registers. */
  static List<Attribute> declarations(List<RegisterMap<?>> registers) {
    return Stream.of(values())
        .map(id -> id == REGISTER ? id.attribute.withRegisters(registers) : id.attribute)
        .toList();
  }

  @Override
  public Attribute attribute() {
    return attribute;
  }

  /** The attribute groups. */
  private static final class Groups {
    static final AttributeGroup MISC =
        AttributeGroup.of(1, "KVM_DEV_MPIC_GRP_MISC", "Settings of the whole device.").build();

    static final AttributeGroup REGISTER =
        AttributeGroup.of(2, "KVM_DEV_MPIC_GRP_REGISTER", "The registers that the guest sees.")
            .field("offset", 63, 0, "bytes from the begin of the registers; a multiple of 4")
            .departs(
                "has_agrees_with_get_and_set",
                "HAS succeeds for every offset, also where GET and SET answer ENXIO. Where a part"
                    + " of the device has no register, GET reads all ones or 0 and SET does"
                    + " nothing.",
                "arch/powerpc/kvm/mpic.c, mpic_has_attr; recorded: 42-offsets")
            .build();

    static final AttributeGroup IRQ_ACTIVE =
        AttributeGroup.of(3, "KVM_DEV_MPIC_GRP_IRQ_ACTIVE", "The lines of the interrupt sources.")
            .field("source", 63, 0, "the source's number, as in the register map")
            .unknown(Errno.ENXIO, Errno.EINVAL, Errno.EINVAL)
            .departs(
                "unknown_attribute_is_enxio",
                "GET and SET of a number above the sources' are EINVAL.",
                "arch/powerpc/kvm/mpic.c, mpic_set_attr and mpic_get_attr")
            .build();

    private Groups() {}
  }
}
