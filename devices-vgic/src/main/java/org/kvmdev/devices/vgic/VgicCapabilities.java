package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.Machine;

/** The capabilities whose answers depend on the VM that is asked. */
final class VgicCapabilities implements Capabilities {
  private static final int MAX_VCPUS = 66;
  private static final int MSI_DEVID = 131;

  @Override
  public int check(int capability, @Nullable Machine machine) {
    if (machine == null) {
      return UNKNOWN;
    }
    return switch (capability) {
      case MAX_VCPUS -> machine.vcpuLimit();
      case MSI_DEVID -> VgicProvider.of(machine).hasIts ? 1 : 0;
      default -> UNKNOWN;
    };
  }
}
