package org.kvmdev.testkit.trace;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TraceReaderTest {
  private static final String HEADER =
      "{\"format\":\"kvm-device-trace\",\"version\":1,\"arch\":\"powerpc\",\"endian\":\"big\","
          + "\"host\":\"a-host\",\"source\":\"s\",\"title\":\"t\"}\n";

  private static Trace read(String... lines) throws TraceException {
    return TraceReader.read("f", text(HEADER + String.join("\n", lines) + "\n"));
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Call call(String line) throws TraceException {
    Trace trace = read(line);
    assertEquals(List.of(), trace.broken());
    return trace.calls().get(0);
  }

  private static BrokenLine broken(String line) throws TraceException {
    Trace trace = read(line, "{\"call\":\"close\",\"fd\":\"vm0\",\"ret\":0}");
    assertEquals(1, trace.calls().size(), "the lines after a broken one are read");
    assertEquals(1, trace.broken().size());
    assertEquals(2, trace.broken().get(0).line());
    return trace.broken().get(0);
  }

  @Test
  void theHeaderSaysWhereItWasMade() throws TraceException {
    Header header = read().header();
    assertEquals("powerpc", header.architecture());
    assertEquals(ByteOrder.BIG_ENDIAN, header.byteOrder());
    assertEquals("a-host", header.host());
    assertEquals("t", header.title());
  }

  @ParameterizedTest
  @CsvSource({
    "12, 12",
    "-22, -22",
    "4294967295, 4294967295",
    "18446744073709551615, -1",
    "'\"0x0\"', 0",
    "'\"0xfee00000\"', 4276092928",
    "'\"0xffffffffffffffff\"', -1"
  })
  void aNumberIsReadInEitherForm(String written, long value) throws TraceException {
    String line = "{\"call\":\"KVM_CREATE_VM\",\"type\":" + written + ",\"vm\":\"vm0\"}";
    assertEquals(value, call(line).number(Field.TYPE));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"12\"",
        "\"0x\"",
        "\"0x10000000000000000\"",
        "1.5",
        "true",
        "null",
        "[1]",
        "\"0xg\"",
        "18446744073709551616"
      })
  void whatIsNoNumberIsBroken(String written) throws TraceException {
    BrokenLine line = broken("{\"call\":\"KVM_CREATE_VM\",\"type\":" + written + "}");
    assertEquals("type should be a number", line.message().substring(0, 23));
  }

  @Test
  void bytesAreInMemoryOrder() throws TraceException {
    Call call =
        call("{\"call\":\"mem.write\",\"vm\":\"vm0\",\"gpa\":\"0x1000\",\"bytes\":\"00ff7f\"}");
    assertArrayEquals(new byte[] {0, -1, 127}, call.bytes(Field.BYTES));
    assertEquals(CallKind.MEM_WRITE, call.kind());
    assertEquals(2, call.line());
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"0\"", "\"0F\"", "\"zz\"", "12"})
  void whatAreNoBytesIsBroken(String written) throws TraceException {
    BrokenLine line =
        broken(
            "{\"call\":\"mem.write\",\"vm\":\"vm0\",\"gpa\":\"0x1000\",\"bytes\":" + written + "}");
    assertEquals("bytes should be a string of lower-case", line.message().substring(0, 38));
  }

  @Test
  void argumentsAreNumbersAndHandles() throws TraceException {
    Call call =
        call(
            "{\"call\":\"KVM_ENABLE_CAP\",\"vcpu\":\"c\",\"cap\":90,\"args\":[\"mpic\",\"0x1\",2]}");
    assertEquals(List.of("mpic", 1L, 2L), call.list(Field.ARGS));
    assertEquals(0, call.number(Field.FLAGS, 0), "flags left out are 0");
  }

  @Test
  void routesHaveAUnionOfFourWords() throws TraceException {
    Call call =
        call(
            "{\"call\":\"KVM_SET_GSI_ROUTING\",\"vm\":\"v\",\"entries\":["
                + "{\"gsi\":3,\"type\":2,\"flags\":1,\"address\":\"0x180900400\",\"data\":7,\"devid\":9},"
                + "{\"gsi\":4,\"type\":1,\"flags\":0,\"irqchip\":0,\"pin\":5}]}");
    RouteEntry message = (RouteEntry) call.list(Field.ENTRIES).get(0);
    assertEquals(3, message.gsi());
    assertEquals(1, message.flags());
    assertEquals(List.of(0x80900400, 1, 7, 9), message.words());
    RouteEntry pin = (RouteEntry) call.list(Field.ENTRIES).get(1);
    assertEquals(List.of(0, 5, 0, 0), pin.words());
  }

  @Test
  void anUnknownCallNamesTheOneThatWasMeant() throws TraceException {
    assertEquals(
        "there is no call KVM_CREATE_VMM; did you mean KVM_CREATE_VM?",
        broken("{\"call\":\"KVM_CREATE_VMM\",\"type\":0}").message());
    assertEquals(
        "there is no call fork; there are: KVM_ARM_SET_DEVICE_ADDR",
        broken("{\"call\":\"fork\"}").message().substring(0, 57));
  }

  @Test
  void anUnknownFieldNamesTheOneThatWasMeant() throws TraceException {
    assertEquals(
        "KVM_RUN has no field vcpus; did you mean vcpu?",
        broken("{\"call\":\"KVM_RUN\",\"vcpus\":\"c\"}").message());
    assertEquals(
        "KVM_RUN has no field dev; there are: errno, ret, vcpu, why",
        broken("{\"call\":\"KVM_RUN\",\"vcpu\":\"c\",\"dev\":\"d\"}").message());
  }

  @Test
  void aMissingInputIsNamed() throws TraceException {
    assertEquals(
        "KVM_RUN lacks vcpu, a string, a handle's name",
        broken("{\"call\":\"KVM_RUN\",\"ret\":0}").message());
    assertEquals("the line lacks call, a string, the call's name", broken("{\"ret\":0}").message());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "KVM_RUN",
        "[]",
        "{\"call\":\"KVM_RUN\",\"vcpu\":\"c\"",
        "{\"call\":\"KVM_RUN\",\"vcpu\":\"c\"} {}",
        "{\"call\":\"KVM_RUN\",\"vcpu\":\"c\",\"vcpu\":\"d\"}",
        "{\"call\":\"KVM_RUN\",\"vcpu\":\"c}"
      })
  void whatIsNoJsonObjectIsBroken(String line) throws TraceException {
    assertFalse(broken(line).message().isEmpty());
  }

  @Test
  void theOrderOfFieldsDoesNotMatter() throws TraceException {
    assertEquals(CallKind.KVM_RUN, call("{\"ret\":0,\"vcpu\":\"c\",\"call\":\"KVM_RUN\"}").kind());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | f:1: the file is empty; a recording begins with its header",
        "{} | f:1: no header of a recording, which begins {\"format\":\"kvm-device-trace\",…",
        "{\"format\":\"kvm-device-trace\",\"version\":2}"
            + " | f:1: version 2 cannot be read; this reads 1",
        "{\"format\":\"kvm-device-trace\",\"version\":1} | f:1: the header lacks \"arch\", a"
            + " string",
        "{\"format\":\"kvm-device-trace\",\"version\":1,\"arch\":\"a\",\"endian\":\"middle\"}"
            + " | f:1: endian \"middle\" should be \"little\" or \"big\""
      })
  void aBrokenHeaderIsNoRecording(String header, String message) {
    TraceException refusal =
        assertThrows(TraceException.class, () -> TraceReader.read("f", text(header)));
    assertEquals(message, refusal.getMessage());
  }
}
