package org.kvmdev.devices.vgic;

import java.util.List;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.AttributeId;
import org.kvmdev.api.AttributeTable;

/** The attributes of a GICv2 (Documentation/virt/kvm/devices/arm-vgic.rst). */
enum VgicV2Attribute implements AttributeId {
  DISTRIBUTOR_ADDRESS(
      Attribute.of(
              Groups.ADDR,
              0,
              "KVM_VGIC_V2_ADDR_TYPE_DIST",
              "Where the guest finds the distributor.")
          .size(8)
          .when(VgicAttributes.ADDRESS_ONCE + "4 KiB")
          .source("arm-vgic.rst, KVM_DEV_ARM_VGIC_GRP_ADDR")
          .build()),
  CPU_INTERFACE_ADDRESS(
      Attribute.of(
              Groups.ADDR,
              1,
              "KVM_VGIC_V2_ADDR_TYPE_CPU",
              "Where the guest finds its CPU interface.")
          .size(8)
          .when(VgicAttributes.ADDRESS_ONCE + "4 KiB")
          .source("arm-vgic.rst, KVM_DEV_ARM_VGIC_GRP_ADDR")
          .build()),
  DISTRIBUTOR_REGISTER(
      Attribute.keyed(Groups.DIST_REGS, "register", "A distributor register, as a vCPU sees it.")
          .registers(DistributorV2Register.MAP)
          .when(VgicAttributes.STOPPED + "; EINVAL where there is no such vCPU")
          .effects("Initialises the GIC.")
          .source("arm-vgic.rst, KVM_DEV_ARM_VGIC_GRP_DIST_REGS")
          .departs(VgicAttributes.HAS_RULE, VgicAttributes.HAS_STRICTER, VgicAttributes.UACCESS)
          .build()),
  CPU_INTERFACE_REGISTER(
      Attribute.keyed(Groups.CPU_REGS, "register", "A register of a vCPU's CPU interface.")
          .registers(CpuInterfaceV2Register.MAP)
          .when(VgicAttributes.STOPPED + "; EINVAL where there is no such vCPU")
          .effects("Initialises the GIC.")
          .source("arm-vgic.rst, KVM_DEV_ARM_VGIC_GRP_CPU_REGS")
          .departs(VgicAttributes.HAS_RULE, VgicAttributes.HAS_STRICTER, VgicAttributes.UACCESS)
          .build()),
  INTERRUPT_COUNT(VgicAttributes.interruptCount()),
  INIT(VgicAttributes.init());

  static final AttributeTable<VgicV2Attribute> TABLE = AttributeTable.of(List.of(values()));

  private final Attribute attribute;

  VgicV2Attribute(Attribute attribute) {
    this.attribute = attribute;
  }

  @Override
  public Attribute attribute() {
    return attribute;
  }

  /** The vCPU id that the number of a register has. */
  static int vcpuId(long attr) {
    return (int) (attr >>> 32) & 0xff;
  }

  /** The attribute groups. */
  private static final class Groups {
    static final AttributeGroup ADDR = VgicAttributes.addresses();

    static final AttributeGroup DIST_REGS =
        registers(1, "KVM_DEV_ARM_VGIC_GRP_DIST_REGS", "The distributor's registers.");

    static final AttributeGroup CPU_REGS =
        registers(2, "KVM_DEV_ARM_VGIC_GRP_CPU_REGS", "The CPU interfaces' registers.");

    private Groups() {}

    private static AttributeGroup registers(int number, String name, String summary) {
      return AttributeGroup.of(number, name, summary)
          .field("vcpu", 39, 32, "the vCPU's id")
          .field("offset", 31, 0, "bytes from the begin of the registers")
          .build();
    }
  }
}
