package org.kvmdev.devices.vgic;

import com.google.auto.service.AutoService;
import java.util.List;
import java.util.Set;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.Machine;

/**
 * Offers Arm's VGIC versions 2 and 3, and its ITS, on 64-bit Arm. It is found as a service;
 * programs do not use it themselves.
 */
@AutoService(DeviceProvider.class)
public final class VgicProvider implements DeviceProvider {
  private static final List<String> HOSTS = List.of("arm64-gicv2-6.1", "arm64-gicv3-6.1");

  /** What both machines have: they are one CPU and one kernel. */
  static final String TABLES = "arm64-6.1.tables";

  /** Made by the service loader. */
  public VgicProvider() {}

  @Override
  public List<DeviceType> types() {
    return List.of(VgicV2.TYPE, VgicV3.TYPE, Its.TYPE);
  }

  @Override
  public Set<String> architectures() {
    return Set.of("arm64");
  }

  @Override
  public List<Host> hosts() {
    return HOSTS.stream()
        .map(
            name ->
                Host.read(
                    name,
                    VgicProvider.class.getResourceAsStream(name + ".properties"),
                    VgicProvider.class.getResourceAsStream(TABLES)))
        .toList();
  }

  @Override
  public Capabilities capabilities(Host host) {
    return new VgicCapabilities();
  }

  /** The VM's GIC. */
  static Vgic of(Machine machine) {
    return machine.family(Vgic.class, () -> new Vgic(machine));
  }

  @Override
  public void join(Machine machine) {
    Vgic vgic = of(machine);
    ArmMachine arm = machine.family(ArmMachine.class, () -> new ArmMachine(machine, vgic));
    machine.plug(vgic);
    machine.plug(arm);
    machine.plug(new ArmLines(vgic));
    machine.plug(new ArmRequests(arm));
    machine.plug(new ArmRegisters(arm));
    machine.plug(new ArmAttributes(arm));
    machine.plug(new SystemRegisterInterface(vgic));
    machine.plug(new VgicState(vgic));
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) throws KvmException {
    Vgic vgic = of(machine);
    if (type.number() == VgicV2.TYPE.number()) {
      vgic.create(Vgic.Model.V2);
      VgicV2 device = new VgicV2(vgic);
      vgic.device = device;
      return device;
    }
    if (type.number() == Its.TYPE.number()) {
      return vgic.createIts();
    }
    vgic.create(Vgic.Model.V3);
    VgicV3 device = new VgicV3(vgic);
    vgic.device = device;
    return device;
  }
}
