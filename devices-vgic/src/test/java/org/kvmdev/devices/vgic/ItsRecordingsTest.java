package org.kvmdev.devices.vgic;

import org.kvmdev.testkit.junit.RecordingsTest;

/** Replays the recordings of a GICv3 with ITSs. */
class ItsRecordingsTest extends RecordingsTest {
  ItsRecordingsTest() {
    super(36, "arm64/its-");
  }
}
