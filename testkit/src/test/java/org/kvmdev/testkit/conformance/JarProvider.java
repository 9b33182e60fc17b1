package org.kvmdev.testkit.conformance;

import java.util.List;
import java.util.Set;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.machine.Machine;

/** A provider that tests load as if from a jar of its own. */
public final class JarProvider implements DeviceProvider {
  /** Found by the service loader. */
  public JarProvider() {}

  @Override
  public List<DeviceType> types() {
    return List.of(
        DeviceType.of(DeviceType.FIRST_THIRD_PARTY, "KVM_DEV_TYPE_OF_A_JAR", "kvm-jar", "In a jar.")
            .operations()
            .build());
  }

  @Override
  public Set<String> architectures() {
    return Set.of();
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) {
    return new DeviceOps() {};
  }
}
