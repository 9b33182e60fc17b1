package org.kvmdev.devices.vgic;

import org.kvmdev.testkit.junit.RecordingsTest;

/** Replays the recordings of a GICv2. */
class VgicV2RecordingsTest extends RecordingsTest {
  VgicV2RecordingsTest() {
    super(46, "arm64/v2-");
  }
}
