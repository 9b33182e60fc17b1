package org.kvmdev.devices.mpic;

import org.kvmdev.testkit.junit.RecordingsTest;

/** The recordings of both MPICs. */
class MpicRecordingsTest extends RecordingsTest {
  MpicRecordingsTest() {
    super(94, "mpic/");
  }
}
