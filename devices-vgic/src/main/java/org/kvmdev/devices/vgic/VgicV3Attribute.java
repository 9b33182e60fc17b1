package org.kvmdev.devices.vgic;

import java.util.List;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.AttributeId;
import org.kvmdev.api.AttributeTable;
import org.kvmdev.api.Errno;

/** The attributes of a GICv3 (Documentation/virt/kvm/devices/arm-vgic-v3.rst). */
enum VgicV3Attribute implements AttributeId {
  DISTRIBUTOR_ADDRESS(
      Attribute.of(
              Groups.ADDR,
              2,
              "KVM_VGIC_V3_ADDR_TYPE_DIST",
              "Where the guest finds the distributor.")
          .size(8)
          .when(VgicAttributes.ADDRESS_ONCE + "64 KiB")
          .source("arm-vgic-v3.rst, KVM_DEV_ARM_VGIC_GRP_ADDR")
          .build()),
  REDISTRIBUTOR_ADDRESS(
      Attribute.of(
              Groups.ADDR,
              3,
              "KVM_VGIC_V3_ADDR_TYPE_REDIST",
              "Where the redistributors of all vCPUs begin, one after the other.")
          .size(8)
          .when(VgicAttributes.ADDRESS_ONCE + "64 KiB, or where there are numbered regions")
          .effects("GET answers the first region's, numbered ones included.")
          .source("arm-vgic-v3.rst, KVM_DEV_ARM_VGIC_GRP_ADDR")
          .build()),
  REDISTRIBUTOR_REGION(
      Attribute.of(
              Groups.ADDR,
              5,
              "KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION",
              "A numbered region of redistributors: count 63:52, base 51:16, flags 15:12 (0), index"
                  + " 11:0.")
          .size(8)
          .readsBeforeGet()
          .when(
              "EINVAL unless the index is the next one, the count is not 0, and the region overlaps"
                  + " nothing; GET answers ENOENT where there is no region of the index given")
          .source("arm-vgic-v3.rst, KVM_DEV_ARM_VGIC_GRP_ADDR")
          .build()),
  DISTRIBUTOR_REGISTER(
      Attribute.keyed(Groups.DIST_REGS, "register", "A distributor register.")
          .registers(DistributorV3Register.MAP)
          .when(VgicAttributes.STOPPED + ", and after initialisation; EINVAL without a vCPU")
          .source("arm-vgic-v3.rst, KVM_DEV_ARM_VGIC_GRP_DIST_REGS")
          .departs(VgicAttributes.HAS_RULE, VgicAttributes.HAS_STRICTER, VgicAttributes.UACCESS)
          .build()),
  REDISTRIBUTOR_REGISTER(
      Attribute.keyed(Groups.REDIST_REGS, "register", "A register of a vCPU's redistributor.")
          .registers(RedistributorRegister.MAP)
          .when(VgicAttributes.STOPPED + ", and after initialisation; EINVAL without such a vCPU")
          .source("arm-vgic-v3.rst, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS")
          .departs(VgicAttributes.HAS_RULE, VgicAttributes.HAS_STRICTER, VgicAttributes.UACCESS)
          .build()),
  SYSTEM_REGISTER(
      Attribute.keyed(Groups.CPU_SYSREGS, "register", "A register of a vCPU's CPU interface.")
          .size(8)
          .registers(IccRegister.MAP)
          .when(
              VgicAttributes.STOPPED
                  + ", and after initialisation; EINVAL without such a vCPU; ENOENT for an unknown"
                  + " register, where HAS answers ENXIO")
          .source("arm-vgic-v3.rst, KVM_DEV_ARM_VGIC_CPU_SYSREGS")
          .departs(
              "refused_set_changes_nothing",
              "ICC_CTLR_EL1 keeps the numbers of bits that were in range when a later field is"
                  + " refused.",
              "arch/arm64/kvm/vgic-sys-reg-v3.c, set_gic_ctlr")
          .build()),
  LINE_LEVEL(
      Attribute.keyed(
              Groups.LEVEL_INFO, "lines", "The input lines of 32 interrupts, a bit for each.")
          .when(
              VgicAttributes.STOPPED
                  + ", and after initialisation; EINVAL without such a vCPU, or unless the INTID is"
                  + " a multiple of 32")
          .effects(
              "A line that is set makes its interrupt pending. HAS looks at info alone, neither at"
                  + " the vCPU nor at the INTID.")
          .source("arm-vgic-v3.rst, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO")
          .build()),
  INTERRUPT_COUNT(VgicAttributes.interruptCount()),
  INIT(VgicAttributes.init()),
  SAVE_PENDING_TABLES(VgicAttributes.savePendingTables());

  static final AttributeTable<VgicV3Attribute> TABLE = AttributeTable.of(List.of(values()));

  private final Attribute attribute;

  VgicV3Attribute(Attribute attribute) {
    this.attribute = attribute;
  }

  @Override
  public Attribute attribute() {
    return attribute;
  }

  /** The attribute groups. */
  private static final class Groups {
    static final AttributeGroup ADDR = VgicAttributes.addresses();

    static final AttributeGroup DIST_REGS =
        AttributeGroup.of(
                1, "KVM_DEV_ARM_VGIC_GRP_DIST_REGS", "The distributor's registers, in words.")
            .field("mpidr", 63, 32, "ignored")
            .field("offset", 31, 0, "bytes from the begin of the registers")
            .build();

    static final AttributeGroup REDIST_REGS =
        AttributeGroup.of(
                5, "KVM_DEV_ARM_VGIC_GRP_REDIST_REGS", "The redistributors' registers, in words.")
            .field("mpidr", 63, 32, "the vCPU: Aff3, Aff2, Aff1, Aff0, a byte each")
            .field("offset", 31, 0, "bytes from the begin of the registers")
            .build();

    static final AttributeGroup CPU_SYSREGS =
        AttributeGroup.of(
                6, "KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS", "The CPU interfaces' system registers.")
            .field("mpidr", 63, 32, "the vCPU: Aff3, Aff2, Aff1, Aff0, a byte each")
            .field("instr", 15, 0, "op0, op1, CRn, CRm, op2 of the register")
            .unknown(Errno.ENXIO, Errno.ENOENT, Errno.ENOENT)
            .departs(
                "unknown_attribute_is_enxio",
                "GET and SET of a register that there is not are ENOENT.",
                "arch/arm64/kvm/sys_regs.c, kvm_sys_reg_get_user")
            .build();

    static final AttributeGroup LEVEL_INFO =
        AttributeGroup.of(7, "KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO", "The interrupts' input lines.")
            .field("mpidr", 63, 32, "whose SGIs and PPIs: Aff3, Aff2, Aff1, Aff0, a byte each")
            .field("info", 31, 10, "0: VGIC_LEVEL_INFO_LINE_LEVEL")
            .field("vINTID", 9, 0, "the first interrupt, a multiple of 32")
            .build();

    private Groups() {}
  }
}
