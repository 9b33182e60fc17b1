package org.kvmdev.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.bridge.CallSummary.Kind;
import org.kvmdev.bridge.CallSummary.Row;

class CallSummaryTest {
  private static final KvmException ENXIO = KvmException.constant(Errno.ENXIO, "none");
  private static final KvmException EINVAL = KvmException.constant(Errno.EINVAL, "wrong");

  private final CallSummary summary = new CallSummary();

  @Test
  void rowsStandByFileAndCountEachErrno() {
    summary.count(new Kind(3, "mpic", "SET MISC"), null);
    summary.count(new Kind(1, "vm", "KVM_IRQFD"), EINVAL);
    summary.count(new Kind(0, "/dev/kvm", "KVM_CREATE_VM"), null);
    summary.count(new Kind(3, "mpic", "SET MISC"), ENXIO);
    summary.count(new Kind(3, "mpic", "SET MISC"), EINVAL);
    summary.count(new Kind(3, "mpic", "SET MISC"), ENXIO);
    List<Row> rows = summary.rows();
    assertEquals(List.of("/dev/kvm", "vm", "mpic"), rows.stream().map(Row::on).toList());
    assertEquals(4, rows.get(2).calls());
    assertEquals(3, rows.get(2).refused());
    assertEquals(Map.of(Errno.ENXIO, 2, Errno.EINVAL, 1), rows.get(2).refusals());
    assertThrows(
        UnsupportedOperationException.class, () -> rows.get(2).refusals().put(Errno.EIO, 1));
  }

  @Test
  void aProgramThatTriesAllNumbersIsCountedTogether() {
    for (int number = 0; number < 5000; number++) {
      summary.count(new Kind(1, "vm", "0x" + Integer.toHexString(number)), EINVAL);
      summary.countUnknown("0x" + Integer.toHexString(number) + " on a VM");
    }
    List<Row> rows = summary.rows();
    assertEquals(1001, rows.size());
    assertEquals("other requests", rows.getLast().request());
    assertEquals(4000, rows.getLast().refused());
    assertEquals(5000, rows.stream().mapToInt(Row::calls).sum());
    assertEquals(1001, summary.unknown().size());
    assertTrue(summary.unknown().containsKey("other requests"));
  }
}
