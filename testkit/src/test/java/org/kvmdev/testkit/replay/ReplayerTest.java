package org.kvmdev.testkit.replay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.kvmdev.runtime.Kvm;
import org.kvmdev.testkit.Recordings;
import org.kvmdev.testkit.trace.Trace;
import org.kvmdev.testkit.trace.TraceException;
import org.kvmdev.testkit.trace.TraceReader;
import org.kvmdev.testkit.vfio.VfioProvider;

/** The replayer finds what differs: each test breaks a recording that replays equal. */
class ReplayerTest {
  private static final String RECORDING = "x86/vfio-attr";

  private static final Kvm KVM = Kvm.of(List.of(new VfioProvider()));

  private static String recorded() throws IOException {
    try (var in = Recordings.matching(RECORDING).get(0).open()) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static Replay replay(String text) throws TraceException {
    return new Replayer(KVM).replay(trace(text));
  }

  private static Trace trace(String text) throws TraceException {
    return TraceReader.read("f", text.getBytes(StandardCharsets.UTF_8));
  }

  /** Replays a recording of one line more, which comes after a VM and its device dev0. */
  private static Difference difference(String line) throws IOException, TraceException {
    List<String> lines = recorded().lines().limit(3).toList();
    Replay replay = replay(String.join("\n", lines) + "\n" + line + "\n");
    assertEquals(1, replay.different(), replay.report());
    Difference difference = replay.differences().get(0);
    assertEquals(4, difference.line());
    return difference;
  }

  private static Replay changed(String from, String to) throws IOException, TraceException {
    String text = recorded();
    int at = text.indexOf(from);
    assertTrue(at >= 0, "the recording has " + from);
    return replay(text.substring(0, at) + to + text.substring(at + from.length()));
  }

  @Test
  void aRecordingReplaysEqual() throws Exception {
    Replay replay = replay(recorded());
    assertEquals(Replay.Status.EQUAL, replay.status());
    assertEquals(49, replay.calls());
    assertEquals(49, replay.equal());
    assertEquals("f: 49 calls, 49 equal", replay.report());
  }

  @Test
  void aChangedErrnoIsADifference() throws Exception {
    Replay replay = changed("\"errno\":\"ENXIO\"", "\"errno\":\"EINVAL\"");
    assertEquals(Replay.Status.DIFFERENT, replay.status());
    assertEquals(1, replay.different());
    assertEquals(48, replay.equal());
    assertEquals(
        """
        f: 49 calls, 48 equal, 1 different
          f:4: KVM_HAS_DEVICE_ATTR dev0 group 0 attr 0
            expected ret -1, EINVAL
            got      ret -1, ENXIO: the device type has no such attribute group\
        """,
        replay.report());
  }

  @Test
  void aChangedBufferIsADifference() throws Exception {
    Replay replay = changed("\"out\":\"5a5a5a5a\"", "\"out\":\"5a5a5a5b\"");
    assertEquals(1, replay.different(), replay.report());
    assertEquals("ret -1, EPERM, out 0x5b5a5a5a", replay.differences().get(0).expected());
  }

  @Test
  void aMissingOutputIsADifference() throws Exception {
    assertEquals(1, changed(",\"out\":\"5a5a5a5a\"", "").different());
  }

  @Test
  void anOutputTooManyIsADifference() throws Exception {
    assertEquals(1, changed(",\"addr\":\"null\"", ",\"addr\":\"null\",\"out\":\"00\"").different());
  }

  @Test
  void aMissingErrnoIsADifference() throws Exception {
    assertEquals(1, changed("\"ret\":-1,\"errno\":\"ENXIO\"", "\"ret\":0").different());
  }

  @Test
  void successWithoutRetIsNone() throws Exception {
    assertEquals(0, changed(",\"ret\":0}", "}").different());
  }

  @Test
  void aHandleThatWasNotMadeIsADifference() throws Exception {
    Difference difference =
        difference(
            "{\"call\":\"KVM_CREATE_DEVICE\",\"vm\":\"vm0\",\"type\":4,\"dev\":\"dev1\",\"ret\":0}");
    assertEquals("KVM_CREATE_DEVICE vm0, KVM_DEV_TYPE_VFIO", difference.call());
    assertEquals("ret 0, a dev made", difference.expected());
    assertTrue(difference.got().startsWith("ret -1, EBUSY: "), difference.got());
  }

  @Test
  void aHandleThatShouldNotHaveBeenMadeIsADifference() throws Exception {
    Difference difference =
        difference(
            "{\"call\":\"KVM_CREATE_VCPU\",\"vm\":\"vm0\",\"id\":0,\"ret\":-1,\"errno\":\"EEXIST\"}");
    assertEquals("ret -1, EEXIST", difference.expected());
    assertEquals("a vcpu made", difference.got());
  }

  @Test
  void whatTheGuestDoesIsCompared() throws Exception {
    List<String> lines = recorded().lines().limit(3).toList();
    String vcpu = "{\"call\":\"KVM_CREATE_VCPU\",\"vm\":\"vm0\",\"id\":0,\"vcpu\":\"c\"}\n";
    String memory =
        "{\"call\":\"KVM_SET_USER_MEMORY_REGION\",\"vm\":\"vm0\",\"slot\":0,\"gpa\":\"0x10000\","
            + "\"size\":\"0x10000\",\"ret\":0}\n";
    String guest =
        "{\"call\":\"guest.read\",\"vcpu\":\"c\",\"gpa\":\"0xfe00\",\"size\":4,\"exit\":\"mmio\"}\n"
            + "{\"call\":\"guest.irq\",\"vcpu\":\"c\",\"irq\":0}\n"
            + "{\"call\":\"guest.sysreg.read\",\"vcpu\":\"c\",\"reg\":\"NONE\",\"undef\":true}\n"
            + "{\"call\":\"guest.hcall\",\"vcpu\":\"c\",\"nr\":4,\"args\":[1],\"exit\":\"hcall\"}\n"
            + "{\"call\":\"KVM_RUN\",\"vcpu\":\"c\",\"ret\":0}\n"
            + "{\"call\":\"mem.write\",\"vm\":\"vm0\",\"gpa\":\"0x1fffe\",\"bytes\":\"0102\"}\n"
            + "{\"call\":\"mem.read\",\"vm\":\"vm0\",\"gpa\":\"0x1fffc\",\"size\":4,"
            + "\"bytes\":\"00000102\"}\n";
    String text = String.join("\n", lines) + "\n" + vcpu + memory;

    assertEquals(Replay.Status.EQUAL, replay(text + guest).status());
    String changed =
        guest
            .replace("\"exit\":\"mmio\"", "\"value\":0")
            .replace("\"irq\":0", "\"irq\":1")
            .replace("\"undef\":true", "\"value\":0")
            .replace("\"exit\":\"hcall\"", "\"ret\":0,\"args_out\":[]")
            .replace("00000102", "00000103");
    Replay replay = replay(text + changed);
    assertEquals(5, replay.different(), replay.report());
    assertEquals("bytes 0x03010000", replay.differences().get(4).expected());
    assertEquals("bytes 0x02010000", replay.differences().get(4).got());
  }

  @Test
  void memoryBeyondEverySlotIsADifference() throws Exception {
    Difference difference =
        difference("{\"call\":\"mem.write\",\"vm\":\"vm0\",\"gpa\":\"0x1000\",\"bytes\":\"00\"}");
    assertEquals("success", difference.expected());
    assertTrue(difference.got().startsWith("ret -1, EFAULT: "), difference.got());
  }

  @Test
  void aNameThatNothingMadeIsNoFile() throws Exception {
    Difference difference = difference("{\"call\":\"close\",\"fd\":\"dev7\",\"ret\":0}");
    assertTrue(difference.got().startsWith("ret -1, EBADF: "), difference.got());
  }

  @Test
  void aBrokenLineFailsAndTheRestIsReplayed() throws Exception {
    Replay replay = changed("KVM_HAS_DEVICE_ATTR", "KVM_HAS_DEVICE_ATTRS");
    assertEquals(Replay.Status.DIFFERENT, replay.status());
    assertEquals(49, replay.calls());
    assertEquals(48, replay.equal());
    assertEquals(
        """
        f: 49 calls, 48 equal, 1 broken
          f:4: there is no call KVM_HAS_DEVICE_ATTRS; did you mean KVM_HAS_DEVICE_ATTR?\
        """,
        replay.report());
  }

  @Test
  void onlyTheFirstDifferencesAreTold() throws Exception {
    String text = recorded().replace("\"errno\":\"ENXIO\"", "\"errno\":\"EBUSY\"");
    Replay replay = new Replayer(KVM, 2).replay(trace(text));
    assertEquals(2, replay.differences().size());
    assertTrue(replay.different() > 2);
    assertTrue(
        replay.report().endsWith("\n  and " + (replay.different() - 2) + " more"), replay.report());
  }

  @Test
  void aHostThatNobodyOffersIsApart() throws Exception {
    Replay replay = changed("\"host\":\"x86_64-6.18\"", "\"host\":\"riscv64-7.0\"");
    assertEquals(Replay.Status.NO_HOST, replay.status());
    assertEquals(0, replay.equal());
    assertEquals(0, replay.different());
    assertEquals("f: no host riscv64-7.0; 49 calls not replayed", replay.report());
  }

  @Test
  void aDeviceTypeThatNobodyOffersIsApart() throws Exception {
    String text =
        recorded()
            + "{\"call\":\"KVM_CREATE_DEVICE\",\"vm\":\"vm0\",\"type\":7,\"flags\":0,\"dev\":\"gic\"}\n";
    Replay replay = new Replayer(KVM).replay(trace(text));
    assertEquals(Replay.Status.NO_DEVICE, replay.status());
    assertEquals(0, replay.equal());
    assertEquals(
        "f: no device type 7 for host x86_64-6.18; 50 calls not replayed", replay.report());
  }

  @Test
  void aHeaderThatContradictsItsHostIsBroken() throws Exception {
    Replay replay = changed("\"endian\":\"little\"", "\"endian\":\"big\"");
    assertEquals(Replay.Status.DIFFERENT, replay.status());
    assertEquals(0, replay.equal());
    assertEquals(1, replay.broken().get(0).line());
    assertEquals(
        "the header says x86_64, BIG_ENDIAN; host x86_64-6.18 is x86_64, LITTLE_ENDIAN;"
            + " nothing was replayed",
        replay.broken().get(0).message());
  }
}
