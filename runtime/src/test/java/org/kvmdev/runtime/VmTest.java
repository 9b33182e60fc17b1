package org.kvmdev.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Routing;
import org.kvmdev.api.machine.Vcpu;
import org.kvmdev.api.machine.VcpuLifecycle;

/** VMs, vCPUs and devices as references. */
class VmTest {
  private LatchProvider latches;
  private Kvm kvm;
  private Vm vm;

  @BeforeEach
  void createVm() throws KvmException {
    latches = new LatchProvider();
    kvm = Kvm.of(List.of(latches));
    vm = kvm.createVm("test-host");
  }

  static KvmException refused(Errno errno, Executable call) {
    KvmException refusal = assertThrows(KvmException.class, call);
    assertEquals(errno, refusal.errno(), refusal::getMessage);
    return refusal;
  }

  @Test
  void aVmHasATypeOfItsHost() throws KvmException {
    kvm.createVm(LatchProvider.HOST, 36).close();
    refused(Errno.EINVAL, () -> kvm.createVm(LatchProvider.HOST, 41));
  }

  @Test
  void anUnknownHostIsRefusedWithTheHostsThereAre() {
    String message =
        assertThrows(IllegalArgumentException.class, () -> kvm.host("arm64-gicv9")).getMessage();
    assertTrue(message.contains("arm64-gicv9") && message.contains("test-host"), message);
  }

  @Test
  void aDeviceThatLivesUntilItsVmEndsIsDestroyedByTheLastReference() throws KvmException {
    Device device = vm.createDevice(LatchProvider.KERNEL_TYPE);
    assertEquals(List.of("create", "init"), latches.events);
    device.close();
    device.close();
    refused(Errno.EEXIST, () -> vm.createDevice(LatchProvider.KERNEL_TYPE));
    var vcpu = vm.createVcpu(0);
    vm.close();
    assertEquals(List.of("create", "init"), latches.events);
    vcpu.close();
    assertEquals(List.of("create", "init", "destroy"), latches.events);
  }

  @Test
  void aDeviceKeepsItsVm() throws KvmException {
    Device device = vm.createDevice(LatchProvider.KERNEL_TYPE);
    vm.close();
    device.set(1, 0, 42);
    assertEquals(42, device.get(1, 0));
    device.close();
    assertEquals(List.of("create", "init", "destroy"), latches.events);
    refused(Errno.EIO, () -> device.get(1, 0));
  }

  @Test
  void aDeviceThatLivesUntilItsLastReferenceIsReleasedByIt() throws KvmException {
    Device device = vm.createDevice("KVM_DEV_TYPE_MANY_LATCHES");
    Device second = device.acquire();
    device.close();
    assertEquals(List.of("create", "init"), latches.events);
    second.set(1, 0, 5);
    second.close();
    assertEquals(List.of("create", "init", "release"), latches.events);
    refused(Errno.EIO, second::acquire);
    vm.close();
    assertEquals(List.of("create", "init", "release"), latches.events);
  }

  @Test
  void aDeviceWithoutAHandleIsEndedAndAnotherCanBeMade() throws KvmException {
    Vm.Reservation none =
        () -> {
          throw new KvmException(Errno.EMFILE, "no handle is left", 0);
        };
    refused(Errno.EMFILE, () -> vm.createDevice(LatchProvider.KERNEL_TYPE, none));
    assertEquals(List.of("create", "init", "destroy"), latches.events);
    refused(Errno.EMFILE, () -> vm.createVcpu(0, none));
    vm.createDevice(LatchProvider.KERNEL_TYPE).close();
    vm.createVcpu(0).close();
    refused(Errno.EEXIST, () -> vm.createVcpu(0));
  }

  @Test
  void testingATypeMakesNothing() throws KvmException {
    vm.testDevice(LatchProvider.KERNEL_TYPE);
    assertEquals(List.of(), latches.events);
    refused(Errno.ENODEV, () -> vm.testDevice(2));
    refused(Errno.ENODEV, () -> vm.createDevice(2));
  }

  @Test
  void aPluginThatOverflowsTheStackIsAnErrorOfItsCallerAloneAndALineInTheLog()
      throws KvmException, IOException {
    long before = logLines("StackOverflowError");
    try (Device device = vm.createDevice(LatchProvider.KERNEL_TYPE)) {
      String message = refused(Errno.EIO, () -> device.set(1, 2, 0)).getMessage();
      assertTrue(message.contains("StackOverflowError"), message);
      device.set(1, 0, 1);
      assertEquals(1, device.get(1, 0));
    }
    assertEquals(before + 1, logLines("StackOverflowError"));
  }

  private static long logLines(String text) throws IOException {
    Path log = Path.of("target/test.log");
    if (!Files.exists(log)) {
      return 0; // Nothing has been logged yet.
    }
    try (Stream<String> lines = Files.lines(log)) {
      String jar = Origin.of(LatchProvider.class).jar();
      return lines.filter(line -> line.contains(text) && line.contains(jar)).count();
    }
  }

  @Test
  void capabilitiesAreTheHostsWhereNoFamilyAnswers() throws KvmException {
    assertEquals(4096, vm.checkExtension(25));
    assertEquals(1, vm.checkExtension(89));
    assertEquals(0, vm.checkExtension(500));
    assertEquals(1, vm.checkExtension(131));
    refused(Errno.EINVAL, () -> kvm.checkExtension(LatchProvider.HOST, 131));
    refused(Errno.EINVAL, () -> vm.enableCapability(25, 0));
  }

  @Test
  void vcpuIdsAndNumbersHaveLimits() throws KvmException {
    refused(Errno.EINVAL, () -> vm.createVcpu(8));
    refused(Errno.EINVAL, () -> vm.createVcpu(-1));
    vm.machine().vcpuLimit(1);
    vm.createVcpu(5);
    refused(Errno.EINVAL, () -> vm.createVcpu(6));
    assertEquals(5, vm.machine().vcpu(0).id());
    assertEquals(0, vm.machine().vcpuById(5).index());
  }

  @Test
  void aLineGoesThroughTheRoutingTable() throws KvmException {
    refused(Errno.ENXIO, () -> vm.irqLine(3, 1));
    refused(Errno.EINVAL, () -> vm.signalMsi(0, 1, 0, 0));
    Device device = vm.createDevice(LatchProvider.KERNEL_TYPE);
    assertEquals(-1, vm.irqLine(3, 1));
    vm.setGsiRouting(
        List.of(new Routing.Route.Pin(3, 0, 7), new Routing.Route.Message(4, 0x1000, 100, 0, 0)));
    assertEquals(1, vm.irqLine(3, 1));
    assertEquals(1, vm.irqLine(4, 1));
    assertEquals(-1, vm.irqLine(4, 0), "a lowered line sends no message");
    assertEquals(1, vm.signalMsi(0x1000, 1000, 0, 0));
    assertEquals(1107, device.get(1, 0));
  }

  @Test
  void aTableWithABadRouteLeavesTheOldOne() throws KvmException {
    vm.createDevice(LatchProvider.KERNEL_TYPE);
    vm.setGsiRouting(List.of(new Routing.Route.Pin(3, 0, 7)));
    for (List<Routing.Route> bad :
        List.<List<Routing.Route>>of(
            List.of(new Routing.Route.Pin(4096, 0, 0)),
            List.of(new Routing.Route.Pin(0, 1, 0)),
            List.of(new Routing.Route.Pin(0, 0, 16)),
            List.of(new Routing.Route.Message(0, 0, 0, 0, 2)),
            List.of(new Routing.Route.Pin(0, 0, 1), new Routing.Route.Pin(0, 0, 2)),
            List.of(new Routing.Route.Message(0, 0, 0, 0, 0), new Routing.Route.Pin(0, 0, 2)))) {
      refused(Errno.EINVAL, () -> vm.setGsiRouting(bad));
    }
    assertEquals(1, vm.irqLine(3, 1));
  }

  @Test
  void acknowledgementsAreHeardOnceForEachPin() throws KvmException {
    List<String> heard = new ArrayList<>();
    vm.onAcked(0, 5, () -> heard.add("five"));
    vm.machine().routing().acked(0, 4);
    vm.machine().routing().acked(0, 5);
    assertEquals(List.of("five"), heard);
  }

  @Test
  void nothingIsQuiescedWhileAVcpuRuns() throws Exception {
    Device device = vm.createDevice(LatchProvider.KERNEL_TYPE);
    var vcpu = vm.createVcpu(0);
    vcpu.enter();
    refused(Errno.EBUSY, () -> device.set(1, 0, 1));
    Thread other = Thread.ofPlatform().start(() -> refused(Errno.EBUSY, () -> device.set(1, 0, 1)));
    other.join();
    vcpu.exit();
    device.set(1, 0, 9);
    assertEquals(9, device.get(1, 0));
  }

  @Test
  void aRefusedFirstRunKillsTheVmAndARefusedRunDoesNot() throws KvmException {
    boolean[] ready = {false};
    boolean[] good = {true};
    vm.machine()
        .plug(
            new VcpuLifecycle() {
              @Override
              public void mayRun(Vcpu vcpu) throws KvmException {
                if (!ready[0]) {
                  throw new KvmException(Errno.ENOEXEC, "not ready", 0);
                }
              }

              @Override
              public void firstRun(Vcpu vcpu) throws KvmException {
                if (!good[0]) {
                  throw new KvmException(Errno.ENXIO, "no address", 0);
                }
              }
            });
    var vcpu = vm.createVcpu(0);
    refused(Errno.ENOEXEC, vcpu::run);
    assertFalse(vm.isDead());
    ready[0] = true;
    good[0] = false;
    refused(Errno.ENXIO, vcpu::run);
    assertTrue(vm.isDead());
    refused(Errno.EIO, vcpu::run);
    refused(Errno.EIO, () -> vm.checkExtension(89));
    refused(Errno.EIO, () -> vm.createVcpu(1));
  }

  @Test
  void aVcpuHas32Pins() throws KvmException {
    vm.createVcpu(0);
    Vcpu inside = vm.machine().vcpu(0);
    inside.pin(31, true);
    assertTrue(inside.pin(31));
    for (int none : new int[] {-1, 32}) {
      assertThrows(IndexOutOfBoundsException.class, () -> inside.pin(none, true));
      assertThrows(IndexOutOfBoundsException.class, () -> inside.pin(none));
    }
  }

  @Test
  void pinsTellTheirListenerOfChangesAlone() throws KvmException {
    var vcpu = vm.createVcpu(0);
    List<String> heard = new ArrayList<>();
    vcpu.onPin((pin, high) -> heard.add(pin + (high ? "+" : "-")));
    Vcpu inside = vm.machine().vcpu(0);
    inside.pin(1, true);
    inside.pin(1, true);
    inside.pin(0, false);
    assertTrue(vcpu.pin(1));
    assertFalse(vcpu.pin(0));
    inside.pin(1, false);
    assertEquals(List.of("1+", "1-"), heard);
  }

  @Test
  void aHostsConstantRegisterIsReadAndAnUnknownOneTraps() throws KvmException {
    var vcpu = vm.createVcpu(0);
    assertEquals(0x1234, vcpu.read(vm.systemRegister("ID_EL1")));
    assertFalse(vcpu.trapped());
    vcpu.read(vm.systemRegister("NONE_EL1"));
    assertTrue(vcpu.trapped());
    vcpu.write(vm.systemRegister("ID_EL1"), 1);
    assertTrue(vcpu.trapped());
  }

  @Test
  void anAccessIsTriedRegionByRegionUntilOneTakesIt() throws KvmException {
    var vcpu = vm.createVcpu(0);
    List<String> tried = new ArrayList<>();
    vm.machine().mmio().add(0x1000, 0x100, handler("first", tried, true));
    vm.machine().mmio().add(0x1000, 0x1000, handler("second", tried, false));
    assertEquals(0x20, vcpu.read(0x1020, 4));
    assertEquals(List.of("first", "second"), tried);
    assertFalse(vcpu.exited());
    tried.clear();
    vcpu.write(0x10fe, 4, 1);
    assertEquals(List.of("second"), tried, "an access matches only if it lies wholly inside");
    vcpu.read(0x1ffe, 4);
    assertTrue(vcpu.exited());
    vcpu.read(0xfff, 1);
    assertTrue(vcpu.exited());
  }

  private static MmioHandler handler(String name, List<String> tried, boolean declines) {
    return new MmioHandler() {
      @Override
      public long read(Vcpu vcpu, long offset, int size) {
        tried.add(name);
        return declines ? vcpu.decline() : offset;
      }

      @Override
      public long write(Vcpu vcpu, long offset, int size, long value) {
        tried.add(name);
        return declines ? vcpu.decline() : 0;
      }
    };
  }

  @Test
  void oneVmOfManyThreadsHasOneDevice() throws Exception {
    CountDownLatch start = new CountDownLatch(1);
    List<Thread> threads = new ArrayList<>();
    List<Device> made = java.util.Collections.synchronizedList(new ArrayList<>());
    for (int i = 0; i < 4; i++) {
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      start.await();
                      made.add(vm.createDevice(LatchProvider.KERNEL_TYPE));
                    } catch (KvmException refusal) {
                      assertEquals(Errno.EEXIST, refusal.errno());
                    } catch (InterruptedException e) {
                      throw new AssertionError(e);
                    }
                  }));
    }
    start.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(1, made.size());
  }
}
