package org.kvmdev.devices.mpic;

import org.kvmdev.api.KvmException;
import org.kvmdev.testkit.conformance.Bench;
import org.kvmdev.testkit.junit.DeviceConformance;

/** Both MPICs keep the rules that hold for every device. */
class MpicConformanceTest extends DeviceConformance {
  private static final int KVM_CAP_IRQ_MPIC = 90;

  /** Connects each vCPU with its id as its number, and shows the guest the registers. */
  @Override
  protected void bringUp(Bench bench) throws KvmException {
    for (int id = 0; id < bench.vcpuCount(); id++) {
      bench.enableCapability(id, KVM_CAP_IRQ_MPIC, bench.device(), id);
    }
    bench.set(MpicAttribute.BASE_ADDR.attribute(), 0xe004_0000L);
  }
}
