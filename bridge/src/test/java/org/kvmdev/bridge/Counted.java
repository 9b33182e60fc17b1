package org.kvmdev.bridge;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.kvmdev.api.Access;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeDevice;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.AttributeId;
import org.kvmdev.api.AttributeTable;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.api.Operation;
import org.kvmdev.api.machine.Machine;

/** A device type whose living devices are counted, with the numbers that the test client uses. */
final class Counted implements DeviceProvider {
  static final String HOST = "counted";

  private static final String FILE =
      """
      architecture=none
      endian=little
      kernel=None
      ioctl.encoding=generic
      devices=7
      vm.types=0
      """;

  private static final DeviceType TYPE =
      DeviceType.of(7, "KVM_DEV_TYPE_COUNTED", "kvm-counted", "Is counted.")
          .operations(Operation.SET_ATTR, Operation.GET_ATTR, Operation.HAS_ATTR)
          .attributes(Value.TABLE)
          .build();

  final AtomicInteger made = new AtomicInteger();
  final AtomicInteger alive = new AtomicInteger();

  private enum Value implements AttributeId {
    VALUE;

    static final AttributeTable<Value> TABLE = AttributeTable.of(List.of(values()));

    private final Attribute attribute =
        Attribute.of(
                AttributeGroup.of(0, "GROUP", "The only one.").build(), 2, "VALUE", "Any number.")
            .size(8)
            .access(Access.READ_WRITE)
            .build();

    @Override
    public Attribute attribute() {
      return attribute;
    }
  }

  private final class Device extends AttributeDevice<Value> {
    private volatile long value;

    Device() {
      super(Value.TABLE);
    }

    @Override
    protected long get(Value attribute, long attr) {
      return value;
    }

    @Override
    protected void set(Value attribute, long attr, long number) {
      value = number;
    }

    @Override
    public void destroy() {
      alive.decrementAndGet();
    }
  }

  @Override
  public List<DeviceType> types() {
    return List.of(TYPE);
  }

  @Override
  public Set<String> architectures() {
    return Set.of("none");
  }

  @Override
  public List<Host> hosts() {
    return List.of(
        Host.read(HOST, new ByteArrayInputStream(FILE.getBytes(StandardCharsets.UTF_8))));
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) {
    made.incrementAndGet();
    alive.incrementAndGet();
    return new Device();
  }
}
