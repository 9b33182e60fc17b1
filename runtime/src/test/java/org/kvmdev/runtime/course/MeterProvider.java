package org.kvmdev.runtime.course;

import java.util.List;
import java.util.Set;
import org.kvmdev.api.Completeness;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.machine.Machine;

/** The provider of the package page's course. */
public final class MeterProvider implements DeviceProvider {
  // @start region="type"
  static final DeviceType TYPE =
      DeviceType.of(0x4000_0077, "KVM_DEV_TYPE_METER", "kvm-meter", "Counts events.")
          .attributes(MeterAttribute.TABLE)
          .limit("meter", 1, Errno.EEXIST)
          .state(Completeness.COMPLETE)
          .build();

  // @end

  // @start region="provider"
  @Override
  public List<DeviceType> types() {
    return List.of(TYPE);
  }

  @Override
  public Set<String> architectures() {
    return Set.of(); // every one
  }

  @Override
  public void join(Machine machine) {
    machine.plug(MeterFamily.of(machine));
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) {
    MeterDevice meter = new MeterDevice(machine);
    MeterFamily.of(machine).meter = meter;
    return meter;
  }
  // @end
}
