package org.kvmdev.benchmarks.machine;

import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Vcpu;

/** A guest's load of a register of 4 bytes, through the bus. */
record MmioRead(Vcpu vcpu, long address) implements Path {
  @Override
  public long take(int times) throws KvmException {
    long sum = 0;
    for (int i = 0; i < times; i++) {
      sum += vcpu.read(address, 4);
    }
    if (vcpu.exited()) {
      throw new AssertionError("nobody answers at 0x" + Long.toHexString(address));
    }
    return sum;
  }
}
