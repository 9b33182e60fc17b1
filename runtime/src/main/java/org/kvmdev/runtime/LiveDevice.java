package org.kvmdev.runtime;

import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Lifetime;

/** A device that exists in a VM, with the references to it counted. */
final class LiveDevice {
  final VirtualMachine machine;
  final DeviceType type;
  final DeviceOps ops;

  /** Guarded by the VM's lock. */
  int references = 1;

  /** Guarded by the VM's lock. */
  private boolean ended;

  LiveDevice(VirtualMachine machine, DeviceType type, DeviceOps ops) {
    this.machine = machine;
    this.type = type;
    this.ops = ops;
  }

  /** Ends the device, once, as its lifetime says; with the VM's lock held. */
  void end() {
    if (ended) {
      return;
    }
    ended = true;
    try {
      if (type.lifetime() == Lifetime.REFERENCES) {
        ops.release();
      } else {
        ops.destroy();
      }
    } catch (RuntimeException | Error fault) {
      // Nobody is left to be answered; the log line is all there is to do.
      Containment.contain(fault, ops);
    }
  }
}
