package org.kvmdev.api;

import java.util.List;
import java.util.Set;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.Machine;

/**
 * The service that a device jar provides: which device types it offers, where, how a device is
 * made, and what its family plugs into a VM before any device exists.
 *
 * <p>A provider is found with {@link java.util.ServiceLoader}, so it has a public constructor
 * without parameters; it holds no state of a VM. {@link #types}, {@link #architectures} and {@link
 * #hosts} are pure data: asking makes no device, and each call answers the same.
 */
public interface DeviceProvider {
  /**
   * The device types that the jar offers.
   *
   * @return their declarations
   */
  List<DeviceType> types();

  /**
   * The architectures whose VMs can have these types. A type with a number of the kernel's own must
   * also be among its host's {@code devices}.
   *
   * @return names as in {@link Host#architecture()}; empty for every architecture
   */
  Set<String> architectures();

  /**
   * The hosts whose data files the jar ships.
   *
   * @return the hosts; most third parties have none
   */
  default List<Host> hosts() {
    return List.of();
  }

  /**
   * What the family adds to a host's capabilities.
   *
   * @param host the host that is asked
   * @return its answers
   */
  default Capabilities capabilities(Host host) {
    return Capabilities.NONE;
  }

  /**
   * Plugs the family's ports into a VM that has just been made; no device and no vCPU exists yet.
   *
   * @param machine the VM
   */
  default void join(Machine machine) {}

  /**
   * Makes a device, with the VM's lock held. The type's instance limit was checked. What takes long
   * belongs into {@link DeviceOps#init}.
   *
   * @param type one of {@link #types()}
   * @param machine the VM
   * @return the device
   * @throws KvmException where the VM cannot have it now
   */
  DeviceOps create(DeviceType type, Machine machine) throws KvmException;
}
