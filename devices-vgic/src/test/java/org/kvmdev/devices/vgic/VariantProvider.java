package org.kvmdev.devices.vgic;

import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.Machine;

/** Provides a variant of the GIC, for tests that are to find what is wrong with it. */
final class VariantProvider implements DeviceProvider {
  private final VgicProvider real = new VgicProvider();
  private final Function<Machine, Vgic> variant;

  /**
   * A provider of it.
   *
   * @param variant makes a VM's GIC
   */
  VariantProvider(Function<Machine, Vgic> variant) {
    this.variant = variant;
  }

  @Override
  public List<DeviceType> types() {
    return real.types();
  }

  @Override
  public Set<String> architectures() {
    return real.architectures();
  }

  @Override
  public List<Host> hosts() {
    return real.hosts();
  }

  @Override
  public Capabilities capabilities(Host host) {
    return real.capabilities(host);
  }

  /** A VM has one GIC: the first that is made, here. */
  @Override
  public void join(Machine machine) {
    machine.family(Vgic.class, () -> variant.apply(machine));
    real.join(machine);
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) throws KvmException {
    return real.create(type, machine);
  }
}
