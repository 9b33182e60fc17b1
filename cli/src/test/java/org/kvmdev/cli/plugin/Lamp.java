package org.kvmdev.cli.plugin;

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
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Machine;

/** A third party's device that conforms: a lamp that can be dimmed. Tests put it into jars. */
public class Lamp implements DeviceProvider {
  /** Found by discovery. */
  public Lamp() {}

  /** Its one attribute. */
  protected enum LampAttribute implements AttributeId {
    /** How bright it is. */
    BRIGHTNESS;

    private static final Attribute DECLARED =
        Attribute.of(
                AttributeGroup.of(1, "LAMP", "The lamp.").build(),
                0,
                "BRIGHTNESS",
                "How bright it is.")
            .size(8)
            .build();

    @Override
    public Attribute attribute() {
      return DECLARED;
    }
  }

  @Override
  public List<DeviceType> types() {
    return List.of(
        DeviceType.of(
                DeviceType.FIRST_THIRD_PARTY + 0x77, "KVM_DEV_TYPE_LAMP", "kvm-lamp", "A lamp.")
            .attributes(Device.TABLE)
            .limit("lamp", 1, Errno.EEXIST)
            .build());
  }

  @Override
  public Set<String> architectures() {
    return Set.of();
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) throws KvmException {
    return new Device();
  }

  /** The lamp itself. */
  protected static class Device extends AttributeDevice<LampAttribute> {
    private static final AttributeTable<LampAttribute> TABLE =
        AttributeTable.of(List.of(LampAttribute.values()));

    private long brightness;

    /** One that is off. */
    protected Device() {
      super(TABLE);
    }

    @Override
    protected synchronized long get(LampAttribute attribute, long attr) throws KvmException {
      return brightness;
    }

    @Override
    protected synchronized void set(LampAttribute attribute, long attr, long value)
        throws KvmException {
      brightness = value;
    }
  }
}
