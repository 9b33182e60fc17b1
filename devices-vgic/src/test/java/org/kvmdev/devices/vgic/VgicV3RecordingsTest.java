package org.kvmdev.devices.vgic;

import org.kvmdev.testkit.junit.RecordingsTest;

/** Replays the recordings of a GICv3. */
class VgicV3RecordingsTest extends RecordingsTest {
  VgicV3RecordingsTest() {
    super(47, "arm64/v3-");
  }
}
