package org.kvmdev.devices.xics;

import java.util.List;
import java.util.Set;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.Machine;

/** The XICS's provider, for tests that change something about it. */
class VariantProvider implements DeviceProvider {
  private final XicsProvider provider = new XicsProvider();

  @Override
  public List<DeviceType> types() {
    return provider.types();
  }

  @Override
  public Set<String> architectures() {
    return provider.architectures();
  }

  @Override
  public List<Host> hosts() {
    return provider.hosts();
  }

  @Override
  public Capabilities capabilities(Host host) {
    return provider.capabilities(host);
  }

  @Override
  public void join(Machine machine) {
    provider.join(machine);
  }

  @Override
  public final DeviceOps create(DeviceType type, Machine machine) {
    return XicsProvider.install(device(machine), machine);
  }

  /** The device. */
  Xics device(Machine machine) {
    return new Xics(machine, Partition.of(machine));
  }
}
