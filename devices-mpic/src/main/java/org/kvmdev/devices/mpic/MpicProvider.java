package org.kvmdev.devices.mpic;

import com.google.auto.service.AutoService;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.Machine;

/**
 * Offers the Freescale MPICs 2.0 and 4.2 on 32-bit PowerPC (e500). It is found as a service;
 * programs do not use it themselves.
 */
@AutoService(DeviceProvider.class)
public final class MpicProvider implements DeviceProvider {
  private static final String HOST = "powerpc-e500v2-6.12";

  private static final List<DeviceType> TYPES =
      Stream.of(MpicModel.values()).map(MpicModel::type).toList();

  /** Made by the service loader. */
  public MpicProvider() {}

  @Override
  public List<DeviceType> types() {
    return TYPES;
  }

  @Override
  public Set<String> architectures() {
    return Set.of("powerpc");
  }

  @Override
  public List<Host> hosts() {
    return List.of(
        Host.read(
            HOST,
            MpicProvider.class.getResourceAsStream(HOST + ".properties"),
            MpicProvider.class.getResourceAsStream(HOST + ".tables")));
  }

  @Override
  public Capabilities capabilities(Host host) {
    return new MpicCapability();
  }

  @Override
  public void join(Machine machine) {
    machine.plug(MpicFamily.of(machine));
    machine.plug(E500Requests.of(machine));
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) throws KvmException {
    MpicDevice device = new MpicDevice(MpicModel.of(type), machine);
    device.install();
    MpicFamily.of(machine).device(device);
    return device;
  }
}
