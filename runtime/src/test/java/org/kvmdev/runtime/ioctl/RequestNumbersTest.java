package org.kvmdev.runtime.ioctl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kvmdev.api.Host;

/** The numbers of requests, on both encodings, against those that recorded kernels took. */
class RequestNumbersTest {
  private static final Host GENERIC =
      ProbeProvider.host("generic", "endian=little", "cap.25=1", "cap.70=1", "cap.32=1");
  private static final Host WIDE =
      ProbeProvider.host("wide", "endian=big", "ioctl.encoding=wide", "cap.54=1", "cap.98=1");

  @ParameterizedTest
  @CsvSource({
    "GET_API_VERSION,        0x0000ae00, 0x2000ae00",
    "CREATE_VM,              0x0000ae01, 0x2000ae01",
    "CHECK_EXTENSION,        0x0000ae03, 0x2000ae03",
    "GET_VCPU_MMAP_SIZE,     0x0000ae04, 0x2000ae04",
    "CREATE_VCPU,            0x0000ae41, 0x2000ae41",
    "SET_USER_MEMORY_REGION, 0x4020ae46, 0x8020ae46",
    "IRQ_LINE,               0x4008ae61, 0x8008ae61",
    "IRQ_LINE_STATUS,        0xc008ae67, 0xc008ae67",
    "SET_GSI_ROUTING,        0x4008ae6a, 0x8008ae6a",
    "RUN,                    0x0000ae80, 0x2000ae80",
    "ENABLE_CAP,             0x4068aea3, 0x8068aea3",
    "ENABLE_CAP_VM,          0x4068aea3, 0x8068aea3",
    "SIGNAL_MSI,             0x4020aea5, 0x8020aea5",
    "GET_ONE_REG,            0x4010aeab, 0x8010aeab",
    "SET_ONE_REG,            0x4010aeac, 0x8010aeac",
    "CREATE_DEVICE,          0xc00caee0, 0xc00caee0",
    "SET_DEVICE_ATTR,        0x4018aee1, 0x8018aee1",
    "GET_DEVICE_ATTR,        0x4018aee2, 0x8018aee2",
    "HAS_DEVICE_ATTR,        0x4018aee3, 0x8018aee3",
    "SET_USER_MEMORY_REGION2, 0x40a0ae49, 0x80a0ae49",
    "GET_DIRTY_LOG,          0x4010ae42, 0x8010ae42",
    "IRQFD,                  0x4020ae76, 0x8020ae76",
    "IOEVENTFD,              0x4040ae79, 0x8040ae79",
    "IOEVENTFD,              0x4040ae79, 0x8040ae79",
    "GET_REG_LIST,           0xc008aeb0, 0xc008aeb0",
  })
  void encodes(Request request, String generic, String wide) {
    assertEquals(generic, hex(RequestNumbers.of(GENERIC).of(request)));
    assertEquals(wide, hex(RequestNumbers.of(WIDE).of(request)));
  }

  private static String hex(int number) {
    return "0x%08x".formatted(number);
  }

  @Test
  void anArchitecturesOwnRequestIsEncodedAlike() {
    assertEquals(0x4020_aeae, RequestNumbers.of(GENERIC).of(Direction.WRITE, 0xae, 32));
    assertEquals(0x8080_aeac, RequestNumbers.of(WIDE).of(Direction.WRITE, 0xac, 128));
    assertThrows(
        IllegalArgumentException.class,
        () -> RequestNumbers.of(WIDE).of(Direction.WRITE, 0xac, 1 << 13));
  }

  @Test
  void aNumberIsFoundOnTheFilesThatHaveIt() {
    RequestNumbers numbers = RequestNumbers.of(GENERIC);
    int getOneReg = numbers.of(Request.GET_ONE_REG);
    assertEquals(Request.GET_ONE_REG, numbers.find(FileKind.VCPU, getOneReg));
    assertNull(numbers.find(FileKind.VM, getOneReg));
    assertEquals("KVM_GET_ONE_REG", numbers.name(FileKind.VCPU, getOneReg));
    assertEquals("0x4010aeab", numbers.name(FileKind.VM, getOneReg));
  }

  @Test
  void whatTheHostLacksIsNotFound() {
    RequestNumbers generic = RequestNumbers.of(GENERIC);
    RequestNumbers wide = RequestNumbers.of(WIDE);
    assertNull(wide.find(FileKind.VM, wide.of(Request.SET_GSI_ROUTING)));
    assertEquals(
        Request.SET_GSI_ROUTING, generic.find(FileKind.VM, generic.of(Request.SET_GSI_ROUTING)));
    assertNull(generic.find(FileKind.VCPU, generic.of(Request.ENABLE_CAP)));
    assertEquals(Request.ENABLE_CAP_VM, wide.find(FileKind.VM, wide.of(Request.ENABLE_CAP_VM)));
    assertEquals("KVM_ENABLE_CAP", Request.ENABLE_CAP_VM.toString());
  }

  @Test
  void noTwoRequestsOfAFileShareANumber() {
    RequestNumbers numbers = RequestNumbers.of(GENERIC);
    for (FileKind kind : FileKind.values()) {
      Map<Integer, Request> seen = new HashMap<>();
      for (Request request : Request.values()) {
        if (request.files().contains(kind)) {
          assertNull(seen.put(numbers.of(request), request), request::toString);
        }
      }
    }
  }

  @Test
  void anEncodingThatThereIsNotIsRefused() {
    Host host = ProbeProvider.host("odd", "endian=little", "ioctl.encoding=odd");
    assertThrows(IllegalArgumentException.class, () -> RequestNumbers.of(host));
  }
}
