package org.kvmdev.testkit.vfio;

import java.util.List;
import java.util.Set;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.Lifetime;
import org.kvmdev.api.Operation;
import org.kvmdev.api.machine.Machine;

/**
 * The testkit's reference device: KVM_DEV_TYPE_VFIO on an x86-64 host. It is the one type that the
 * generic recordings have, so that they can be replayed without any device family.
 */
public final class VfioProvider implements DeviceProvider {
  /** The recorded machine. */
  public static final String HOST = "x86_64-6.18";

  private static final DeviceType VFIO =
      DeviceType.of(4, "KVM_DEV_TYPE_VFIO", "kvm-vfio", "Tells KVM of the VFIO files in use.")
          .operations(Operation.SET_ATTR, Operation.HAS_ATTR)
          .limit("KVM_DEV_TYPE_VFIO", 1, Errno.EBUSY)
          .lifetime(Lifetime.REFERENCES)
          .attributes(VfioAttribute.TABLE)
          .source("Documentation/virt/kvm/devices/vfio.rst")
          .build();

  @Override
  public List<DeviceType> types() {
    return List.of(VFIO);
  }

  @Override
  public Set<String> architectures() {
    return Set.of("x86_64");
  }

  @Override
  public List<Host> hosts() {
    return List.of(Host.read(HOST, VfioProvider.class.getResourceAsStream(HOST + ".properties")));
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) {
    return new VfioDevice();
  }
}
