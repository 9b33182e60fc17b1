package org.kvmdev.runtime.ioctl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.kvmdev.runtime.ioctl.Client.refused;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;

/** Each request with its structure, on a little-endian host and on a big-endian one of 32 bits. */
@ParameterizedClass
@MethodSource("hosts")
class RequestsTest {
  private static final String[] CAPABILITIES = {
    "vm.ioctl=ENOTTY",
    "vcpu.ioctl=EINVAL",
    "vcpu.attrs=ENXIO",
    "vcpu.mmap=8192",
    "routing.chips=1",
    "routing.pins=256",
    "cap.15=1\n"
        + "cap.25=4096\n"
        + "cap.32=1\n"
        + "cap.36=1\n"
        + "cap.54=1\n"
        + "cap.70=1\n"
        + "cap.77=1\n"
        + "cap.81=1\n"
        + "cap.98=1\n"
        + "cap.203=1"
  };

  static List<Named<Host>> hosts() {
    String all = String.join("\n", CAPABILITIES);
    return List.of(
        Named.of("little", ProbeProvider.host("little", all, "endian=little")),
        Named.of(
            "big, 32 bits",
            ProbeProvider.host("big", all, "endian=big", "ioctl.encoding=wide", "word.bits=32")));
  }

  private final Client client;
  private final ProcessMemory memory;
  private final boolean narrow;

  RequestsTest(Host host) throws KvmException {
    client = new Client(host);
    memory = client.memory;
    narrow = host.number("word.bits", 64) == 32;
  }

  @AfterEach
  void close() {
    client.close();
  }

  private void logged(String... lines) {
    assertEquals(List.of(lines), client.family.log);
    client.family.log.clear();
  }

  private int probe() throws KvmException {
    int fd = client.createDevice(ProbeProvider.PROBE);
    logged("create kvm-probe");
    return fd;
  }

  @Test
  void theSystemIsAsked() throws KvmException {
    assertEquals(12, client.ioctl(client.system, Request.GET_API_VERSION, 0));
    assertEquals(8192, client.ioctl(client.system, Request.GET_VCPU_MMAP_SIZE, 0));
    refused(Errno.EINVAL, () -> client.ioctl(client.system, Request.GET_VCPU_MMAP_SIZE, 1));
    assertEquals(4096, client.ioctl(client.system, Request.CHECK_EXTENSION, 25));
    assertEquals(4096, client.ioctl(client.vm, Request.CHECK_EXTENSION, 25));
    assertEquals(0, client.ioctl(client.vm, Request.CHECK_EXTENSION, -1));
  }

  @Test
  void anArgumentHasTheBitsOfTheKernelsWord() throws KvmException {
    long wide = 1L << 32 | 25;
    assertEquals(narrow ? 4096 : 0, client.ioctl(client.vm, Request.CHECK_EXTENSION, wide));
    int fd = probe();
    long struct = client.attr(1, 2, 0x1_0000_0000L + client.page);
    if (narrow) {
      assertEquals(0, client.ioctl(fd, Request.SET_DEVICE_ATTR, struct));
    } else {
      refused(Errno.EFAULT, () -> client.ioctl(fd, Request.SET_DEVICE_ATTR, struct));
    }
  }

  @Test
  void attributesReachTheDevice() throws KvmException {
    int fd = probe();
    long data = client.page + 1000;
    memory.writeNumber(data, 8, 0x1122_3344_5566_7788L);
    assertEquals(
        0,
        client.ioctl(fd, Request.SET_DEVICE_ATTR, client.attr(0x11, 0x2233_4455_6677_8899L, data)));
    assertEquals(
        0, client.ioctl(fd, Request.GET_DEVICE_ATTR, client.attr(0xfffffff0, -1, data + 8)));
    assertEquals(0, client.ioctl(fd, Request.HAS_DEVICE_ATTR, client.attr(3, 4, 0)));
    assertEquals(0x1122_3344_5566_7788L, memory.readNumber(data + 8, 8));
    logged("set 11 2233445566778899", "get fffffff0 ffffffffffffffff", "has 3 4");
  }

  @Test
  void aStructureAcrossChunksIsReadWhole() throws KvmException {
    int fd = probe();
    long mapping = memory.map(2 << 16);
    for (long struct = mapping + (1 << 16) - 24; struct <= mapping + (1 << 16); struct++) {
      client.attrAt(struct, 7, struct, 0);
      client.ioctl(fd, Request.HAS_DEVICE_ATTR, struct);
      logged("has 7 %x".formatted(struct));
    }
    // One that was never written is all zeros.
    client.ioctl(fd, Request.HAS_DEVICE_ATTR, memory.map(1 << 16) + 8);
    logged("has 0 0");
  }

  @Test
  void aDevicesOwnRequestsAndMappingsReachIt() throws KvmException {
    int fd = probe();
    assertEquals(78, client.process.ioctl(fd, ProbeProvider.DEVICE_REQUEST, 77));
    refused(Errno.ENOTTY, () -> client.process.ioctl(fd, 0x4321, 1));
    assertEquals(5, client.process.mmap(fd, 4096, 8192).load(5, 4));
    refused(
        Errno.EINVAL,
        () -> {
          client.process.mmap(fd, 1, 4096);
          return 0;
        });
    refused(
        Errno.EINVAL,
        () -> {
          client.process.mmap(fd, 0, 0);
          return 0;
        });
    logged("ioctl 1234 4d", "ioctl 4321 1", "mmap 1000 2000");
  }

  @Test
  void aDeviceIsRefusedInTheKernelsOrder() throws KvmException {
    int vfio = client.createDevice(ProbeProvider.VFIO);
    refused(Errno.EPERM, () -> client.ioctl(vfio, Request.GET_DEVICE_ATTR, 0));
    refused(Errno.EFAULT, () -> client.ioctl(vfio, Request.SET_DEVICE_ATTR, 0));
    refused(Errno.ENXIO, () -> client.ioctl(vfio, Request.SET_DEVICE_ATTR, client.attr(9, 1, 0)));
    refused(Errno.EFAULT, () -> client.ioctl(vfio, Request.SET_DEVICE_ATTR, client.attr(1, 1, 0)));
    refused(Errno.ENOTTY, () -> client.ioctl(vfio, Request.CREATE_DEVICE, 0));
    refused(Errno.ENOTTY, () -> client.process.ioctl(vfio, -1, 0));
  }

  @Test
  void aDeadVmIsEioBeforeAllElse() throws KvmException {
    int vcpu = client.createVcpu(0);
    int vfio = client.createDevice(ProbeProvider.VFIO);
    client.family.status = -1;
    refused(Errno.ENXIO, () -> client.ioctl(vcpu, Request.RUN, 0));
    refused(Errno.EIO, () -> client.ioctl(vcpu, Request.RUN, 0));
    refused(Errno.EIO, () -> client.ioctl(vcpu, Request.GET_ONE_REG, 0));
    refused(Errno.EIO, () -> client.ioctl(vfio, Request.GET_DEVICE_ATTR, 0));
    refused(Errno.EIO, () -> client.ioctl(vfio, Request.CREATE_DEVICE, 0));
    refused(Errno.EIO, () -> client.ioctl(client.vm, Request.CREATE_DEVICE, 0));
    refused(Errno.EIO, () -> client.ioctl(client.vm, Request.RUN, 0));
    assertEquals(12, client.ioctl(client.system, Request.GET_API_VERSION, 0));
  }

  @Test
  void aRunIsInterrupted() throws KvmException {
    int vcpu = client.createVcpu(0);
    refused(Errno.EINVAL, () -> client.ioctl(vcpu, Request.RUN, 1));
    refused(Errno.EINTR, () -> client.ioctl(vcpu, Request.RUN, 0));
    refused(Errno.EINTR, () -> client.ioctl(vcpu, Request.RUN, 0));
    logged("first run");
  }

  @Test
  void aVcpusIdIsTheArgument() throws KvmException {
    int vcpu = client.createVcpu(17);
    assertEquals("anon_inode:kvm-vcpu:17", client.process.fileName(vcpu));
    assertEquals(17, client.process.vcpu(vcpu).id());
    refused(Errno.EINVAL, () -> client.createVcpu(-1));
    if (!narrow) {
      refused(Errno.EINVAL, () -> client.createVcpu(1L << 32));
    }
  }

  @Test
  void aCapabilityOfAVmIsEnabled() throws KvmException {
    long struct = client.page + 200;
    client.ints(struct, ProbeProvider.VM_CAPABILITY, 0);
    for (int i = 0; i < 4; i++) {
      memory.writeNumber(struct + 8 + 8L * i, 8, 0x1_0000_0000L + i);
    }
    assertEquals(0, client.ioctl(client.vm, Request.ENABLE_CAP_VM, struct));
    logged("enable 500 [4294967296, 4294967297, 4294967298, 4294967299]");
    memory.writeNumber(struct + 4, 4, 1);
    refused(Errno.EINVAL, () -> client.ioctl(client.vm, Request.ENABLE_CAP_VM, struct));
    long end = memory.map(4096) + 4096;
    refused(Errno.EFAULT, () -> client.ioctl(client.vm, Request.ENABLE_CAP_VM, end - 103));
  }

  @Test
  void aVcpuIsConnectedToTheDeviceOfAFile() throws KvmException {
    int vcpu = client.createVcpu(3);
    int fd = probe();
    long struct = client.page + 200;
    client.ints(struct, ProbeProvider.VCPU_CAPABILITY, 0);
    memory.writeNumber(struct + 8, 8, 0x7_0000_0000L + fd);
    memory.writeNumber(struct + 16, 8, 9);
    assertEquals(0, client.ioctl(vcpu, Request.ENABLE_CAP, struct));
    logged("connect 3 to Probe as 9");
    for (int none : new int[] {-1, 999, 9998, 9999}) {
      memory.writeNumber(struct + 8, 8, none);
      refused(Errno.EBADF, () -> client.ioctl(vcpu, Request.ENABLE_CAP, struct));
    }
    for (int other : new int[] {0, client.system, client.vm, vcpu}) {
      memory.writeNumber(struct + 8, 8, other);
      refused(Errno.EPERM, () -> client.ioctl(vcpu, Request.ENABLE_CAP, struct));
    }
  }

  @Test
  void aLineIsDriven() throws KvmException {
    long struct = client.ints(client.page + 200, 5, 7);
    refused(Errno.ENXIO, () -> client.ioctl(client.vm, Request.IRQ_LINE, struct));
    probe();
    route(5, 1, 0, 0, 0x20);
    assertEquals(0, client.ioctl(client.vm, Request.IRQ_LINE, struct));
    assertEquals(5, memory.readNumber(struct, 4));
    assertEquals(0, client.ioctl(client.vm, Request.IRQ_LINE_STATUS, struct));
    assertEquals(1, memory.readNumber(struct, 4));
    assertEquals(7, memory.readNumber(struct + 4, 4));
    logged("pin 0 20 to 7", "pin 0 20 to 7");
    client.ints(struct, 6, 1);
    assertEquals(0, client.ioctl(client.vm, Request.IRQ_LINE_STATUS, struct));
    assertEquals(0xffff_ffffL, memory.readNumber(struct, 4));
    refused(Errno.EFAULT, () -> client.ioctl(client.vm, Request.IRQ_LINE, 0));
  }

  @Test
  void aMessageIsSignalled() throws KvmException {
    probe();
    long struct = client.ints(client.page + 200, 0x1111, 0x22, 0x33, 1, 0x44);
    client.family.status = 0;
    assertEquals(0, client.ioctl(client.vm, Request.SIGNAL_MSI, struct));
    client.family.status = 1;
    assertEquals(1, client.ioctl(client.vm, Request.SIGNAL_MSI, struct));
    logged("message 2200001111 33 44 1", "message 2200001111 33 44 1");
    client.ints(struct + 12, 2);
    refused(Errno.EINVAL, () -> client.ioctl(client.vm, Request.SIGNAL_MSI, struct));
    long end = memory.map(4096) + 4096;
    refused(Errno.EFAULT, () -> client.ioctl(client.vm, Request.SIGNAL_MSI, end - 31));
  }

  /** Sets a routing table of one entry. */
  private long route(int gsi, int type, int flags, long... data) throws KvmException {
    long struct = client.ints(client.page + 400, 1, 0, gsi, type, flags, 0);
    client.ints(struct + 24, data);
    return client.ioctl(client.vm, Request.SET_GSI_ROUTING, struct);
  }

  @Test
  void routesAreSet() throws KvmException {
    probe();
    assertEquals(0, route(9, 2, 1, 0x1111, 0x22, 0x33, 0x44));
    client.ioctl(client.vm, Request.IRQ_LINE, client.ints(client.page + 200, 9, 1));
    logged("message 2200001111 33 44 1");
    refused(Errno.EINVAL, () -> route(4096, 1, 0, 0, 0));
    refused(Errno.EINVAL, () -> route(9, 1, 1, 0, 0));
    refused(Errno.EINVAL, () -> route(9, 1, 0, 1, 0));
    refused(Errno.EINVAL, () -> route(9, 1, 0, 0, 256));
    refused(Errno.EINVAL, () -> route(9, 2, 2, 0, 0));
    refused(Errno.EINVAL, () -> route(9, 3, 0, 0, 0));
    // A table that is refused changes nothing.
    client.ioctl(client.vm, Request.IRQ_LINE, client.ints(client.page + 200, 9, 1));
    logged("message 2200001111 33 44 1");
    client.ioctl(client.vm, Request.SET_GSI_ROUTING, client.ints(client.page + 400, 0, 0));
    client.ioctl(client.vm, Request.IRQ_LINE, client.ints(client.page + 200, 9, 1));
    logged();
  }

  @Test
  void aRoutingTableIsCheckedBeforeItsEntriesAreRead() throws KvmException {
    long end = memory.map(4096) + 4096;
    refused(
        Errno.EINVAL,
        () -> client.ioctl(client.vm, Request.SET_GSI_ROUTING, client.ints(end - 8, 4097, 0)));
    refused(
        Errno.EINVAL,
        () -> client.ioctl(client.vm, Request.SET_GSI_ROUTING, client.ints(end - 8, 1, 1)));
    refused(
        Errno.EFAULT,
        () -> client.ioctl(client.vm, Request.SET_GSI_ROUTING, client.ints(end - 8, 4096, 0)));
    refused(Errno.EFAULT, () -> client.ioctl(client.vm, Request.SET_GSI_ROUTING, end - 4));
  }

  private long register(long id, long address) throws KvmException {
    long struct = client.page + 300;
    memory.writeNumber(struct, 8, id);
    memory.writeNumber(struct + 8, 8, address);
    return struct;
  }

  @Test
  void aRegistersSizeIsInItsId() throws KvmException {
    int vcpu = client.createVcpu(0);
    long data = client.page + 1000;
    for (long id : new long[] {ProbeProvider.LONG_REGISTER, ProbeProvider.INT_REGISTER}) {
      int size = id == ProbeProvider.LONG_REGISTER ? 8 : 4;
      memory.writeNumber(data, 8, -1);
      memory.writeNumber(data, size, 0x1234_5678);
      assertEquals(0, client.ioctl(vcpu, Request.SET_ONE_REG, register(id, data)));
      memory.writeNumber(data + 16, 8, 0);
      assertEquals(0, client.ioctl(vcpu, Request.GET_ONE_REG, register(id, data + 16)));
      assertEquals(0x1234_5678, memory.readNumber(data + 16, size));
    }
  }

  @Test
  void aRegisterIsLookedUpBeforeAReadFaultsAndAfterAWriteDoes() throws KvmException {
    int vcpu = client.createVcpu(0);
    long known = ProbeProvider.LONG_REGISTER;
    refused(Errno.EINVAL, () -> client.ioctl(vcpu, Request.GET_ONE_REG, register(0, 0)));
    refused(Errno.EFAULT, () -> client.ioctl(vcpu, Request.SET_ONE_REG, register(0, 0)));
    refused(Errno.EINVAL, () -> client.ioctl(vcpu, Request.SET_ONE_REG, register(0, client.page)));
    refused(Errno.EFAULT, () -> client.ioctl(vcpu, Request.GET_ONE_REG, register(known, 0)));
    refused(
        Errno.ENXIO,
        () -> client.ioctl(vcpu, Request.GET_ONE_REG, register(ProbeProvider.HUGE_REGISTER, 0)));
    refused(Errno.EFAULT, () -> client.ioctl(vcpu, Request.GET_ONE_REG, 0));
    long end = memory.map(4096) + 4096;
    refused(
        Errno.EFAULT,
        () ->
            client.ioctl(
                vcpu, Request.SET_ONE_REG, register(ProbeProvider.HUGE_REGISTER, end - 8)));
  }

  @Test
  void guestMemoryIsTheClients() throws KvmException {
    long ram = memory.map(1 << 16);
    memory.writeNumber(ram + 0x100, 1, 0x5a);
    long struct = client.page + 300;
    client.ints(struct, 2, 0);
    memory.writeNumber(struct + 8, 8, 0x4000_0000);
    memory.writeNumber(struct + 16, 8, 1 << 16);
    memory.writeNumber(struct + 24, 8, ram);
    assertEquals(0, client.ioctl(client.vm, Request.SET_USER_MEMORY_REGION, struct));
    byte[] seen = new byte[1];
    assertTrue(client.process.vm(client.vm).machine().memory().read(0x4000_0100, seen, 0, 1));
    assertEquals(0x5a, seen[0]);
    client.ints(struct, 3, 0);
    refused(Errno.EEXIST, () -> client.ioctl(client.vm, Request.SET_USER_MEMORY_REGION, struct));
    refused(Errno.EFAULT, () -> client.ioctl(client.vm, Request.SET_USER_MEMORY_REGION, 0));
  }

  @Test
  void aFamilysOwnRequestsAreFoundByKindOfFile() throws KvmException {
    int vcpu = client.createVcpu(1);
    long data = client.ints(client.page + 500, 42);
    assertEquals(42, client.process.ioctl(client.vm, ProbeProvider.VM_REQUEST, data));
    assertEquals(42, client.process.ioctl(vcpu, ProbeProvider.VCPU_REQUEST, data));
    logged("request 4010aeab on null", "request 4020aeae on vCPU 1");
    refused(Errno.ENOTTY, () -> client.process.ioctl(client.vm, ProbeProvider.VCPU_REQUEST, data));
    refused(Errno.EINVAL, () -> client.process.ioctl(client.system, ProbeProvider.VM_REQUEST, 0));
  }

  @Test
  void attributesOfAVcpuAreRefusedAfterTheirStructureIsRead() throws KvmException {
    int vcpu = client.createVcpu(0);
    refused(Errno.EFAULT, () -> client.ioctl(vcpu, Request.HAS_DEVICE_ATTR, 0));
    refused(Errno.ENXIO, () -> client.ioctl(vcpu, Request.HAS_DEVICE_ATTR, client.attr(1, 1, 0)));
    refused(Errno.ENOTTY, () -> client.ioctl(client.vm, Request.HAS_DEVICE_ATTR, 0));
  }

  @Test
  void aRequestThatNobodyHasIsToldOf() throws KvmException {
    List<String> told = new ArrayList<>();
    client.process.unknownRequests((kind, number) -> told.add(kind + " " + number));
    KvmException unknown = refused(Errno.ENOTTY, () -> client.process.ioctl(client.vm, -2, 0));
    assertTrue(unknown.getMessage().contains("0xfffffffe"), unknown::getMessage);
    // This host's tables do not say which statistics there are.
    refused(Errno.ENOTTY, () -> client.ioctl(client.vm, Request.GET_STATS_FD, 0));
    refused(Errno.ENOTTY, () -> client.ioctl(client.vm, Request.HAS_DEVICE_ATTR, 0));
    assertEquals("a VM -2", told.get(0));
    assertEquals(3, told.size());
  }
}
