package com.example.uart;

import org.kvmdev.api.KvmException;
import org.kvmdev.testkit.conformance.Bench;
import org.kvmdev.testkit.junit.DeviceConformance;

/** The UART keeps the rules that hold for every device. */
class UartConformanceTest extends DeviceConformance {
  /** Shows the guest the registers, so that the rules can try what a guest does. */
  @Override
  protected void bringUp(Bench bench) throws KvmException {
    bench.set(UartAttribute.BASE_ADDR.attribute(), 0xe000_4500L);
  }
}
