package org.kvmdev.devices.vgic;

import java.util.List;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.AttributeId;
import org.kvmdev.api.AttributeTable;
import org.kvmdev.api.Errno;

/** The attributes of an ITS (Documentation/virt/kvm/devices/arm-vgic-its.rst). */
enum ItsAttribute implements AttributeId {
  ADDRESS(
      Attribute.of(
              Groups.ADDR, 4, "KVM_VGIC_ITS_ADDR_TYPE", "Where the guest finds the ITS's frames.")
          .size(8)
          .when(VgicAttributes.ADDRESS_ONCE + "64 KiB")
          .source(Groups.DOCUMENT + "KVM_DEV_ARM_VGIC_GRP_ADDR")
          .build()),
  INIT(
      Attribute.of(
              Groups.CTRL, 0, "KVM_DEV_ARM_VGIC_CTRL_INIT", "Does nothing: an ITS works at once.")
          .request()
          .source(Groups.DOCUMENT + "KVM_DEV_ARM_VGIC_GRP_CTRL")
          .build()),
  SAVE_TABLES(
      Attribute.of(
              Groups.CTRL,
              1,
              "KVM_DEV_ARM_ITS_SAVE_TABLES",
              "Writes what is mapped to the tables in guest memory.")
          .request()
          .when(
              VgicAttributes.STOPPED
                  + "; EINVAL where a table has no room, EFAULT where it is not in memory")
          .source(Groups.DOCUMENT + "KVM_DEV_ARM_VGIC_GRP_CTRL")
          .build()),
  RESTORE_TABLES(
      Attribute.of(
              Groups.CTRL,
              2,
              "KVM_DEV_ARM_ITS_RESTORE_TABLES",
              "Maps what the tables in guest memory say.")
          .request()
          .when(
              VgicAttributes.STOPPED
                  + "; EINVAL where an entry cannot be, EFAULT where a table is not in memory,"
                  + " EEXIST where a collection is mapped already")
          .source(Groups.DOCUMENT + "KVM_DEV_ARM_VGIC_GRP_CTRL")
          .build()),
  RESET(
      Attribute.of(Groups.CTRL, 4, "KVM_DEV_ARM_ITS_CTRL_RESET", "Unmaps all and disables the ITS.")
          .request()
          .when(VgicAttributes.STOPPED)
          .source(Groups.DOCUMENT + "KVM_DEV_ARM_VGIC_GRP_CTRL")
          .build()),
  REGISTER(
      Attribute.keyed(Groups.ITS_REGS, "register", "A register of the ITS, always as 64 bits.")
          .size(8)
          .registers(ItsRegister.MAP)
          .when(
              VgicAttributes.STOPPED
                  + ", and after its address is set, else ENXIO; EINVAL unless a multiple of 8, or"
                  + " of 4 for registers of 32 bits")
          .source(Groups.DOCUMENT + "KVM_DEV_ARM_VGIC_GRP_ITS_REGS")
          .build());

  static final AttributeTable<ItsAttribute> TABLE = AttributeTable.of(List.of(values()));

  private final Attribute attribute;

  ItsAttribute(Attribute attribute) {
    this.attribute = attribute;
  }

  @Override
  public Attribute attribute() {
    return attribute;
  }

  /** The attribute groups. */
  static final class Groups {
    static final String DOCUMENT = "arm-vgic-its.rst, ";
    private static final String SOURCE = "arch/arm64/kvm/vgic/vgic-its.c, ";

    static final AttributeGroup ADDR =
        AttributeGroup.of(0, "KVM_DEV_ARM_VGIC_GRP_ADDR", "The guest physical address of the ITS.")
            .unknown(Errno.ENXIO, Errno.ENODEV, Errno.ENODEV)
            .departs(
                "unknown_attribute_is_enxio",
                "GET and SET of another address are ENODEV.",
                SOURCE + "vgic_its_set_attr")
            .build();

    static final AttributeGroup CTRL =
        AttributeGroup.of(4, "KVM_DEV_ARM_VGIC_GRP_CTRL", "What is done with the whole ITS.")
            .unknown(Errno.ENXIO, Errno.ENXIO, null)
            .departs(
                "unknown_attribute_is_enxio",
                "SET of another request does nothing, and answers 0.",
                SOURCE + "vgic_its_ctrl")
            .build();

    static final AttributeGroup ITS_REGS =
        AttributeGroup.of(8, "KVM_DEV_ARM_VGIC_GRP_ITS_REGS", "The ITS's registers.")
            .field("offset", 63, 0, "bytes from the begin of the control frame")
            .build();

    private Groups() {}
  }
}
