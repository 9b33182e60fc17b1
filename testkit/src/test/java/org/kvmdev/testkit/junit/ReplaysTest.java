package org.kvmdev.testkit.junit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.testkit.vfio.VfioProvider;

/** The tests that a family inherits fail where they should. */
class ReplaysTest {
  private static final Kvm KVM = Kvm.of(List.of(new VfioProvider()));

  private static List<DynamicTest> tests(Kvm kvm, int expected, String... prefixes) {
    return new Replays(kvm, expected, prefixes).tests().toList();
  }

  private static String failure(DynamicTest test) {
    return assertThrows(AssertionError.class, () -> test.getExecutable().execute()).getMessage();
  }

  @Test
  void thereIsATestForEachRecording() throws Throwable {
    Replays replays = new Replays(KVM, 2, "x86/lifetime", "x86/vfio-attr");
    List<DynamicTest> tests = replays.tests().toList();
    assertEquals(
        List.of(
            "all recordings are there",
            "x86/lifetime.kvmtrace.jsonl",
            "x86/vfio-attr.kvmtrace.jsonl"),
        tests.stream().map(DynamicTest::getDisplayName).toList());
    for (DynamicTest test : tests) {
      test.getExecutable().execute();
    }
    assertEquals("2 of 2 recordings replayed equal, 68 calls", replays.toString());
  }

  @Test
  void anotherCountFails() {
    assertTrue(failure(tests(KVM, 3, "x86/l").get(0)).contains("expected: <3> but was: <1>"));
  }

  @Test
  void aPrefixOfNothingFails() {
    assertTrue(failure(tests(KVM, 0, "x87/").get(0)).startsWith("no recording begins"));
  }

  @Test
  void aDifferenceFailsWithItsReport() {
    String report = failure(tests(KVM, 1, "x86/x86-irqchip").get(1));
    assertTrue(report.contains("x86/x86-irqchip.kvmtrace.jsonl:16: ioctl vm0"), report);
  }

  @Test
  void aHostThatNobodyOffersFails() {
    String report = failure(tests(Kvm.of(List.of()), 1, "x86/lifetime").get(1));
    assertTrue(report.contains("no host x86_64-6.18"), report);
  }
}
