package org.kvmdev.testkit.conformance;

import java.util.List;
import java.util.Set;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeDevice;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.AttributeId;
import org.kvmdev.api.AttributeTable;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.machine.Machine;

/** A latch that answers EINVAL where devices answer ENXIO, and declares no departure. */
final class OddLatchProvider implements DeviceProvider {
  private static final AttributeGroup GROUP =
      AttributeGroup.of(1, "LATCH", "The latch.")
          .unknown(Errno.EINVAL, Errno.EINVAL, Errno.EINVAL)
          .build();

  private enum OddAttribute implements AttributeId {
    VALUE;

    private final Attribute attribute =
        Attribute.of(GROUP, 0, "VALUE", "The latched number.").size(8).build();

    @Override
    public Attribute attribute() {
      return attribute;
    }
  }

  private static final AttributeTable<OddAttribute> TABLE =
      AttributeTable.of(List.of(OddAttribute.values()));

  @Override
  public List<DeviceType> types() {
    return List.of(
        DeviceType.of(LatchProvider.LATCH, "KVM_DEV_TYPE_ODD_LATCH", "kvm-odd-latch", "A latch.")
            .attributes(TABLE)
            .build());
  }

  @Override
  public Set<String> architectures() {
    return Set.of();
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) {
    return new AttributeDevice<OddAttribute>(TABLE) {
      private long value;

      @Override
      protected synchronized long get(OddAttribute attribute, long attr) {
        return value;
      }

      @Override
      protected synchronized void set(OddAttribute attribute, long attr, long to) {
        value = to;
      }
    };
  }
}
