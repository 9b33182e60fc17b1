package org.kvmdev.devices.vgic;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
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
  private final String keys;

  /**
   * A provider of it.
   *
   * @param variant makes a VM's GIC
   */
  VariantProvider(Function<Machine, Vgic> variant) {
    this(variant, "");
  }

  /**
   * A provider of it, on hosts that have other list registers than those recorded.
   *
   * @param variant makes a VM's GIC
   * @param listRegisters how many there are
   */
  VariantProvider(Function<Machine, Vgic> variant, int listRegisters) {
    this(variant, "\ngic.listRegisters=" + listRegisters + "\n");
  }

  private VariantProvider(Function<Machine, Vgic> variant, String keys) {
    this.variant = variant;
    this.keys = keys;
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
    return real.hosts().stream().map(host -> withKeys(host.name())).toList();
  }

  /** A host's file, with keys behind it, of which the last is the one that counts. */
  private Host withKeys(String name) {
    InputStream file = VgicProvider.class.getResourceAsStream(name + ".properties");
    InputStream more = new ByteArrayInputStream(keys.getBytes(StandardCharsets.UTF_8));
    return Host.read(
        name,
        new SequenceInputStream(file, more),
        VgicProvider.class.getResourceAsStream(VgicProvider.TABLES));
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
