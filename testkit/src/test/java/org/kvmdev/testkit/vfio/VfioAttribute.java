package org.kvmdev.testkit.vfio;

import java.util.List;
import org.kvmdev.api.Access;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.AttributeId;
import org.kvmdev.api.AttributeTable;

/** The attributes of KVM_DEV_TYPE_VFIO (Documentation/virt/kvm/devices/vfio.rst). */
enum VfioAttribute implements AttributeId {
  /** Tells KVM of a VFIO file. */
  FILE_ADD(1, "KVM_DEV_VFIO_FILE_ADD", "Adds a VFIO file, given by its descriptor."),
  /** Takes that back. */
  FILE_DEL(2, "KVM_DEV_VFIO_FILE_DEL", "Removes a VFIO file, given by its descriptor.");

  static final AttributeTable<VfioAttribute> TABLE = AttributeTable.of(List.of(values()));

  private final Attribute attribute;

  VfioAttribute(long number, String name, String summary) {
    attribute =
        Attribute.of(Group.FILE, number, name, summary)
            .size(4)
            .access(Access.WRITE)
            .source("Documentation/virt/kvm/devices/vfio.rst")
            .build();
  }

  @Override
  public Attribute attribute() {
    return attribute;
  }

  /** An enum's constants are made before its own static fields. */
  private static final class Group {
    static final AttributeGroup FILE =
        AttributeGroup.of(1, "KVM_DEV_VFIO_FILE", "The VFIO files that the VM uses.").build();
  }
}
