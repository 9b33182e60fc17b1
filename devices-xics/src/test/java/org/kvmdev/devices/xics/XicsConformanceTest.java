package org.kvmdev.devices.xics;

import org.kvmdev.api.KvmException;
import org.kvmdev.testkit.conformance.Bench;
import org.kvmdev.testkit.junit.DeviceConformance;

/** The rules that every device is held to. */
class XicsConformanceTest extends DeviceConformance {
  @Override
  protected void bringUp(Bench bench) throws KvmException {
    for (int id = 0; id < bench.vcpuCount(); id++) {
      bench.enableCapability(id, PaprCapability.KVM_CAP_PPC_PAPR.number);
      bench.enableCapability(id, PaprCapability.KVM_CAP_IRQ_XICS.number, bench.device(), id);
    }
    for (int source = 0; source < 4; source++) {
      int number = Sources.FIRST + source;
      bench.set(bench.device(), 1, number, Long.BYTES, (source & 1) | 5L << 32);
    }
  }
}
