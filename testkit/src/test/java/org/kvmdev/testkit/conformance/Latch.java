package org.kvmdev.testkit.conformance;

import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Machine;

/** The reference device, which lives until its VM ends. It passes every rule. */
class Latch extends LatchCore {
  Latch(Machine machine) throws KvmException {
    super(machine);
  }

  @Override
  public void destroy() {
    leave(this);
  }
}
