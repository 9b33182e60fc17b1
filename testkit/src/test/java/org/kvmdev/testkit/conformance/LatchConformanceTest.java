package org.kvmdev.testkit.conformance;

import java.util.List;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.testkit.junit.DeviceConformance;

/** The reference devices pass every rule. */
class LatchConformanceTest extends DeviceConformance {
  @Override
  protected List<DeviceProvider> providers() {
    return List.of(new LatchProvider());
  }

  @Override
  protected Options options(DeviceType type, Options usual) {
    return usual.limit(
        "provider_is_found_exactly_once", "the tests' own provider is in no module's descriptor");
  }
}
