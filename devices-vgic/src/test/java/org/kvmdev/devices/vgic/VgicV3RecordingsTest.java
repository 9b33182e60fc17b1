package org.kvmdev.devices.vgic;

import org.kvmdev.testkit.junit.RecordingsTest;

/** Replays the recordings of a GICv3, except the three that also create an ITS. */
class VgicV3RecordingsTest extends RecordingsTest {
  VgicV3RecordingsTest() {
    super(
        44,
        "arm64/v3-a",
        "arm64/v3-e",
        "arm64/v3-f",
        "arm64/v3-g",
        "arm64/v3-h",
        "arm64/v3-ir",
        "arm64/v3-linux",
        "arm64/v3-p",
        "arm64/v3-r",
        "arm64/v3-s",
        "arm64/v3-t");
  }
}
