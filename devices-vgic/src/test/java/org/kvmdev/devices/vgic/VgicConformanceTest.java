package org.kvmdev.devices.vgic;

import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.ioctl.ProcessMemory;
import org.kvmdev.testkit.conformance.Bench;
import org.kvmdev.testkit.junit.DeviceConformance;

/** Both versions of the GIC, and the ITS, keep the rules of any device. */
class VgicConformanceTest extends DeviceConformance {
  private static final int VCPU_INIT = 0x4020_aeae;
  private static final long ITS = 0x900_0000;

  @Override
  protected void bringUp(Bench bench) throws KvmException {
    ProcessMemory memory = bench.process().memory();
    long target = memory.map(32);
    memory.writeNumber(target, 4, 5);
    for (int id = 0; id < bench.vcpuCount(); id++) {
      bench.process().ioctl(bench.vcpu(id), VCPU_INIT, target);
    }
    if (bench.type() == Its.TYPE) {
      bench.set(bench.device(), 0, 4, 8, ITS);
      return;
    }
    boolean v3 = bench.type() == VgicV3.TYPE;
    bench.set(bench.device(), 0, v3 ? 2 : 0, 8, TestGic.DISTRIBUTOR);
    bench.set(
        bench.device(), 0, v3 ? 3 : 1, 8, v3 ? TestGic.REDISTRIBUTORS : TestGic.CPU_INTERFACE);
    bench.set(bench.device(), 3, 0, 4, 64);
    bench.set(bench.device(), 4, 0, 0, 0);
  }
}
