package org.kvmdev.devices.xics;

import com.google.auto.service.AutoService;
import java.util.List;
import java.util.Set;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.Machine;

/**
 * POWER's interrupt controller, found by discovery. Programs use it through the runtime and never
 * name this class.
 */
@AutoService(DeviceProvider.class)
public final class XicsProvider implements DeviceProvider {
  private static final String ARCHITECTURE = "ppc64";
  private static final String HOST = "ppc64-xics-6.1";

  private final PaprCapabilities capabilities = new PaprCapabilities();

  /** Made by discovery. */
  public XicsProvider() {}

  @Override
  public List<DeviceType> types() {
    return List.of(Xics.TYPE);
  }

  @Override
  public Set<String> architectures() {
    return Set.of(ARCHITECTURE);
  }

  @Override
  public List<Host> hosts() {
    return List.of(
        Host.read(
            HOST,
            XicsProvider.class.getResourceAsStream(HOST + ".properties"),
            XicsProvider.class.getResourceAsStream(HOST + ".tables")));
  }

  @Override
  public Capabilities capabilities(Host host) {
    return host.architecture().equals(ARCHITECTURE) ? capabilities : Capabilities.NONE;
  }

  @Override
  public void join(Machine machine) {
    Partition partition = Partition.of(machine);
    machine.plug(partition);
    machine.plug(new ProcessorRegisters(partition, machine.host().number("cpu.version", 0)));
    machine.plug(new MemoryRequests(machine));
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) {
    return install(new Xics(machine, Partition.of(machine)), machine);
  }

  /** Makes a device the one that its VM's lines and hypercalls reach. */
  static Xics install(Xics xics, Machine machine) {
    Partition.of(machine).device(xics);
    machine.controller(xics);
    return xics;
  }
}
