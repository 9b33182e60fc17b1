package ${package};

import java.util.List;
import java.util.Set;
import org.kvmdev.api.Completeness;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.machine.Machine;

/** What the jar offers. META-INF/services names this class. */
public final class ${deviceName}Provider implements DeviceProvider {
  static final DeviceType TYPE =
      DeviceType.of(
              ${typeNumber},
              "KVM_DEV_TYPE_${deviceName.toUpperCase()}",
              "kvm-${deviceName.toLowerCase()}",
              "A device that counts.")
          .attributes(${deviceName}Attribute.TABLE)
          .state(Completeness.COMPLETE)
          .build();

  @Override
  public List<DeviceType> types() {
    return List.of(TYPE);
  }

  /** Every architecture; a device that only some have names them: Set.of("arm64"). */
  @Override
  public Set<String> architectures() {
    return Set.of();
  }

  @Override
  public void join(Machine machine) {
    machine.plug(${deviceName}Family.of(machine));
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) {
    ${deviceName}Family family = ${deviceName}Family.of(machine);
    ${deviceName}Device device = new ${deviceName}Device(family);
    family.add(device);
    return device;
  }
}
