package org.kvmdev.testkit.conformance;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.kvmdev.api.Completeness;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Lifetime;
import org.kvmdev.api.Operation;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.StateSource;

/**
 * The reference devices' provider: one type that lives until its VM ends and has requests of its
 * own, one that lives until its last reference goes. The kit's broken devices are derived from it.
 */
class LatchProvider implements DeviceProvider {
  static final int LATCH = DeviceType.FIRST_THIRD_PARTY + 0x101;
  static final int LOOSE_LATCH = LATCH + 1;

  /** The declaration of the type that the kit's broken devices break. */
  DeviceType.Builder latch() {
    return DeviceType.of(LATCH, "KVM_DEV_TYPE_LATCH", "kvm-latch", "A latch, one a VM.")
        .operations(Operation.HAS_ATTR, Operation.GET_ATTR, Operation.SET_ATTR, Operation.IOCTL)
        .attributes(LatchAttribute.TABLE)
        .limit("latch", 1, Errno.EEXIST)
        .state(Completeness.COMPLETE);
  }

  private static DeviceType.Builder looseLatch() {
    return DeviceType.of(
            LOOSE_LATCH, "KVM_DEV_TYPE_LOOSE_LATCH", "kvm-loose-latch", "A latch that can go.")
        .attributes(LatchAttribute.TABLE)
        .lifetime(Lifetime.REFERENCES)
        .state(Completeness.CONFIGURATION);
  }

  @Override
  public List<DeviceType> types() {
    return List.of(latch().build(), looseLatch().build());
  }

  @Override
  public Set<String> architectures() {
    return Set.of();
  }

  /** The devices of a VM, in the order in which they were made. */
  record Latches(List<DeviceOps> all) {
    static Latches of(Machine machine) {
      return machine.family(Latches.class, () -> new Latches(new ArrayList<>()));
    }
  }

  @Override
  public void join(Machine machine) {
    Latches latches = Latches.of(machine);
    machine.plug(
        (StateSource) state -> latches.all().forEach(device -> enumerate(machine, device, state)));
  }

  /** Tells one device's state. */
  void enumerate(Machine machine, DeviceOps device, StateSource.State state) {
    state.value(device, LatchAttribute.VALUE.group(), LatchAttribute.VALUE.attribute().number());
    state.value(device, LatchAttribute.LABEL.group(), LatchAttribute.LABEL.attribute().number());
    for (int cell = 0; cell < Latch.CELLS; cell++) {
      state.value(device, LatchAttribute.CELL.group(), cell);
    }
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) throws KvmException {
    Latches latches = Latches.of(machine);
    DeviceOps device = type.number() == LATCH ? device(machine) : new LooseLatch(machine);
    latches.all().add(device);
    return device;
  }

  /** Makes the device that the kit's broken devices break. */
  DeviceOps device(Machine machine) throws KvmException {
    return new Latch(machine);
  }

  /** The reference device that lives until its last reference goes. */
  static class LooseLatch extends LatchCore {
    LooseLatch(Machine machine) throws KvmException {
      super(machine);
    }

    @Override
    public void release() {
      leave(this);
    }
  }
}
