package org.kvmdev.testkit.vfio;

import java.util.List;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.testkit.junit.RecordingsTest;

/** The generic recordings, on the reference device. */
class VfioRecordingsTest extends RecordingsTest {
  VfioRecordingsTest() {
    super(4, "x86/create-types", "x86/vfio-attr", "x86/wrong-fd", "x86/lifetime");
  }

  /** The tests' own provider is in no module's descriptor, so it is given by hand. */
  @Override
  protected Kvm kvm() {
    return Kvm.of(List.of(new VfioProvider()));
  }
}
