package org.kvmdev.benchmarks.machine;

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
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Operation;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Vcpu;

/**
 * Devices that do nothing, so that what is measured of them is the framework's own cost: one with
 * an attribute and a register, one without any operation.
 */
public final class EmptyProvider implements DeviceProvider {
  /** The device with an attribute, 0 of group 0, and a register. */
  public static final int EMPTY = DeviceType.FIRST_THIRD_PARTY + 0xb0;

  /** The device that nothing can be asked of. */
  public static final int CLOSED = DeviceType.FIRST_THIRD_PARTY + 0xb1;

  /** Where the register is, in every VM that has the device. */
  public static final long BASE = 0x7000_0000L;

  private static final DeviceType EMPTY_TYPE =
      DeviceType.of(EMPTY, "EMPTY", "kvm-empty", "A device that does nothing.")
          .attributes(EmptyAttribute.TABLE)
          .source("the benchmarks")
          .build();

  private static final DeviceType CLOSED_TYPE =
      DeviceType.of(CLOSED, "CLOSED", "kvm-closed", "A device without accessors.")
          .operations(Operation.IOCTL)
          .source("the benchmarks")
          .build();

  /** Made by the service loader. */
  public EmptyProvider() {}

  @Override
  public List<DeviceType> types() {
    return List.of(EMPTY_TYPE, CLOSED_TYPE);
  }

  @Override
  public Set<String> architectures() {
    return Set.of();
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) throws KvmException {
    if (type.number() == CLOSED) {
      return new DeviceOps() {};
    }
    EmptyDevice device = new EmptyDevice();
    machine.mmio().add(BASE, 0x1000, device);
    return device;
  }

  private enum EmptyAttribute implements AttributeId {
    NUMBER;

    static final AttributeTable<EmptyAttribute> TABLE = AttributeTable.of(List.of(values()));

    private final Attribute attribute =
        Attribute.of(
                AttributeGroup.of(0, "EMPTY_GROUP", "The only group.").build(),
                0,
                "EMPTY_NUMBER",
                "A number.")
            .size(8)
            .source("the benchmarks")
            .build();

    @Override
    public Attribute attribute() {
      return attribute;
    }
  }

  private static final class EmptyDevice extends AttributeDevice<EmptyAttribute>
      implements MmioHandler {
    private long number;

    EmptyDevice() {
      super(EmptyAttribute.TABLE);
    }

    @Override
    protected long get(EmptyAttribute attribute, long attr) {
      return number;
    }

    @Override
    protected void set(EmptyAttribute attribute, long attr, long value) {
      number = value;
    }

    @Override
    public long read(Vcpu vcpu, long offset, int size) {
      return number;
    }

    @Override
    public long write(Vcpu vcpu, long offset, int size, long value) {
      number = value;
      return 0;
    }
  }
}
