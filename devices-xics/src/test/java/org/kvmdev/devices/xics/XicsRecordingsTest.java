package org.kvmdev.devices.xics;

import org.kvmdev.testkit.junit.RecordingsTest;

/** The recordings of the XICS. */
class XicsRecordingsTest extends RecordingsTest {
  XicsRecordingsTest() {
    super(47, "xics/");
  }
}
