package org.kvmdev.devices.vgic;

import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;

/** What the attributes of both versions of the GIC share. */
final class VgicAttributes {
  static final String STOPPED = "while no vCPU runs, else EBUSY";
  static final String ADDRESS_ONCE =
      "set once, else EEXIST; E2BIG beyond the guest's addresses; EINVAL unless a multiple of ";
  static final String HAS_RULE = "has_agrees_with_get_and_set";
  static final String HAS_STRICTER =
      "Where HAS answers ENXIO, at an offset without a register, GET answers 0 and SET does"
          + " nothing.";
  static final String UACCESS = "arch/arm64/kvm/vgic/vgic-mmio.c, vgic_uaccess";
  static final String STAYS_RULE = "no_free_fd_leaves_nothing_behind";
  static final String STAYS =
      "The VM keeps the GIC that was made, without a file: creating one again is EEXIST.";
  static final String STAYS_SOURCE = "arch/arm64/kvm/vgic/vgic-kvm-device.c, vgic_destroy";

  private static final AttributeGroup NR_IRQS =
      AttributeGroup.of(
              3, "KVM_DEV_ARM_VGIC_GRP_NR_IRQS", "How many interrupts there are; attr is ignored.")
          .build();

  private static final AttributeGroup CTRL =
      AttributeGroup.of(4, "KVM_DEV_ARM_VGIC_GRP_CTRL", "What is done with the whole GIC.").build();

  private VgicAttributes() {}

  static AttributeGroup addresses() {
    return AttributeGroup.of(
            0, "KVM_DEV_ARM_VGIC_GRP_ADDR", "Guest physical addresses of the GIC's parts.")
        .memoryFirst()
        .build();
  }

  static Attribute interruptCount() {
    return Attribute.keyed(
            NR_IRQS, "interrupts", "The number of SGIs, PPIs and SPIs: 64 to 992, in steps of 32.")
        .when(
            "set once and before initialisation, else EBUSY; 32 is read before; 1024, which is"
                + " documented, is EINVAL too")
        .source("arm-vgic.rst, KVM_DEV_ARM_VGIC_GRP_NR_IRQS")
        .build();
  }

  static Attribute init() {
    return Attribute.of(
            CTRL, 0, "KVM_DEV_ARM_VGIC_CTRL_INIT", "Initialises the GIC; again, does nothing.")
        .request()
        .effects("vCPUs cannot be created any more.")
        .source("arm-vgic.rst, KVM_DEV_ARM_VGIC_GRP_CTRL")
        .build();
  }

  static Attribute savePendingTables() {
    return Attribute.of(
            CTRL,
            3,
            "KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES",
            "Writes the LPIs' pending bits to guest memory.")
        .request()
        .when(STOPPED + "; ENXIO before initialisation")
        .source("arm-vgic-v3.rst, KVM_DEV_ARM_VGIC_GRP_CTRL")
        .build();
  }
}
