package org.kvmdev.runtime.ioctl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.kvmdev.runtime.ioctl.Client.refused;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/** Files and their numbers, references, fork. */
class KvmProcessTest {
  private Client client;
  private KvmProcess process;

  @BeforeEach
  void open() throws KvmException {
    client = new Client(ProbeProvider.host("host", "endian=little", "vm.ioctl=ENOTTY"));
    process = client.process;
  }

  @AfterEach
  void close() {
    client.close();
  }

  private long closed(int fd) throws KvmException {
    process.close(fd);
    return 0;
  }

  @Test
  void theStandardStreamsComeFirst() throws KvmException {
    assertEquals("stdin", process.fileName(0));
    assertEquals(3, client.system);
    assertEquals(4, client.vm);
    refused(Errno.ENOTTY, () -> client.has(1));
  }

  @Test
  void theLowestFreeNumberIsUsed() throws KvmException {
    int first = process.openKvm();
    int second = process.openKvm();
    process.close(first);
    assertEquals(first, process.dup(second));
    process.close(0);
    assertEquals(0, process.openOther("file"));
    for (int i = second + 1; i < 100; i++) {
      assertEquals(i, process.openKvm());
    }
  }

  @Test
  void aClosedNumberIsNoFile() throws KvmException {
    process.close(client.vm);
    refused(Errno.EBADF, () -> closed(client.vm));
    refused(Errno.EBADF, () -> process.dup(client.vm));
    refused(Errno.EBADF, () -> process.ioctl(client.vm, 0, 0));
    refused(Errno.EBADF, () -> process.poll(client.vm, 1));
    refused(Errno.EBADF, () -> process.operate(-1, FileOperation.READ));
    refused(Errno.EBADF, () -> closed(Integer.MAX_VALUE));
    refused(Errno.EBADF, () -> closed(Integer.MIN_VALUE));
  }

  @Test
  void aDupIsKeptOnExecAndMarkedByItsOwnRequest() throws KvmException {
    int dup = process.dup(client.vm);
    assertFalse(process.status(dup).closeOnExec());
    assertFalse(process.status(client.system).closeOnExec());
    process.ioctl(dup, 0x5451, 0);
    assertTrue(process.status(dup).closeOnExec());
    process.ioctl(dup, 0x5450, 0);
    assertFalse(process.status(dup).closeOnExec());
    process.close(client.vm);
    assertFalse(process.status(process.dup(dup)).closeOnExec());
  }

  @Test
  void statusFlagsAreTheFilesNotTheNumbers() throws KvmException {
    int dup = process.dup(client.vm);
    client.ints(client.page, 1);
    process.ioctl(dup, 0x5421, client.page);
    assertEquals(0x802, process.status(client.vm).flags());
    client.ints(client.page, 0);
    process.ioctl(client.vm, 0x5421, client.page);
    assertEquals(2, process.status(dup).flags());
    refused(Errno.EFAULT, () -> process.ioctl(client.vm, 0x5421, 0));
  }

  @Test
  void onlyADevicesFileRefusesToSeek() throws KvmException {
    int vcpu = client.createVcpu(0);
    for (int fd : new int[] {client.system, client.vm, vcpu}) {
      assertEquals(0, process.operate(fd, FileOperation.SEEK));
      refused(Errno.EINVAL, () -> process.operate(fd, FileOperation.READ));
    }
  }

  @Test
  void aDeviceKeepsItsVm() throws KvmException {
    int device = client.createDevice(ProbeProvider.PROBE);
    process.close(client.vm);
    assertEquals(0, client.has(device));
    process.close(device);
    assertEquals(List.of("create kvm-probe", "has 1 1", "destroy kvm-probe"), client.family.log);
  }

  @Test
  void aDeviceThatEndsWithItsFileEndsOnce() throws KvmException {
    int device = client.createDevice(ProbeProvider.VFIO);
    int dup = process.dup(device);
    process.close(device);
    assertEquals(List.of("create kvm-vfio", "init kvm-vfio"), client.family.log);
    process.close(dup);
    process.close();
    assertEquals(
        List.of("create kvm-vfio", "init kvm-vfio", "release kvm-vfio"), client.family.log);
  }

  @Test
  void aDeviceForWhichNoNumberIsLeftEndsOnce() throws KvmException {
    process.setFileLimit(5);
    refused(Errno.EMFILE, () -> client.createDevice(ProbeProvider.VFIO));
    refused(Errno.EMFILE, () -> client.createDevice(ProbeProvider.PROBE));
    process.close();
    assertEquals(
        List.of(
            "create kvm-vfio",
            "init kvm-vfio",
            "release kvm-vfio",
            "create kvm-probe",
            "destroy kvm-probe"),
        client.family.log);
  }

  @Test
  void aNumberReservedForWhatIsRefusedIsGivenBack() throws KvmException {
    refused(Errno.EINVAL, () -> client.ioctl(client.system, Request.CREATE_VM, 1));
    client.createVcpu(0);
    refused(Errno.EEXIST, () -> client.createVcpu(0));
    assertEquals(client.vm + 2, process.openKvm());
  }

  @Test
  void aProcessThatEndsClosesItsFiles() throws KvmException {
    client.createDevice(ProbeProvider.PROBE);
    process.close();
    process.close();
    assertEquals(List.of("create kvm-probe", "destroy kvm-probe"), client.family.log);
    refused(Errno.EBADF, () -> client.has(client.vm));
    refused(Errno.EMFILE, process::openKvm);
  }

  @Test
  void aChildHasItsOwnNumbersAndVms() throws KvmException {
    client.createDevice(ProbeProvider.PROBE);
    try (KvmProcess child = process.fork()) {
      int own = (int) child.ioctl(client.system, client.requests.of(Request.CREATE_VM), 0);
      assertEquals(client.vm + 2, own);
      assertEquals(1, child.ioctl(own, client.requests.of(Request.CHECK_EXTENSION), 89));
      refused(Errno.EBADF, () -> process.poll(own, 1));
      refused(Errno.EIO, () -> child.vm(client.vm).machine().vcpuCount());
      assertEquals(0, child.vm(own).machine().vcpuCount());
      // A file's own requests, which are not KVM's, are anybody's.
      assertEquals(0, child.ioctl(client.vm, 0x5451, 0));
    }
    assertEquals(List.of("create kvm-probe"), client.family.log);
  }

  @Test
  void aVmEndsWithTheLastProcess() throws KvmException {
    client.createDevice(ProbeProvider.PROBE);
    KvmProcess child = process.fork();
    process.close();
    assertEquals(List.of("create kvm-probe"), client.family.log);
    child.close();
    assertEquals(List.of("create kvm-probe", "destroy kvm-probe"), client.family.log);
  }

  @Test
  void aChildHasACopyOfTheMemory() throws KvmException {
    client.ints(client.page, 1);
    try (KvmProcess child = process.fork()) {
      client.ints(client.page, 2);
      assertEquals(1, child.memory().readNumber(client.page, 4));
    }
  }

  @Test
  void whatIsBehindANumberIsOfItsKind() throws KvmException {
    int vcpu = client.createVcpu(5);
    int device = client.createDevice(ProbeProvider.PROBE);
    assertEquals(1, process.vm(client.vm).machine().vcpuCount());
    assertEquals(5, process.vcpu(vcpu).id());
    assertEquals("kvm-probe", process.device(device).type().fileName());
    refused(Errno.ENOTTY, () -> process.vcpu(client.vm).id());
    refused(Errno.EINVAL, () -> process.vcpu(client.system).id());
    refused(Errno.ENOTTY, () -> process.vcpu(device).id());
    refused(Errno.EINVAL, () -> process.device(vcpu).type().number());
    refused(Errno.EBADF, () -> process.vcpu(99).id());
  }

  @Test
  void filesMadeByManyThreadsHaveDifferentNumbers() throws Exception {
    List<Thread> threads = new ArrayList<>();
    List<Integer> numbers = new CopyOnWriteArrayList<>();
    for (int i = 0; i < 4; i++) {
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      for (int j = 0; j < 100; j++) {
                        int fd = process.openKvm();
                        assertEquals(12, process.ioctl(fd, 0xae00, 0));
                        numbers.add(fd);
                      }
                    } catch (KvmException e) {
                      throw new AssertionError(e);
                    }
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(400, numbers.size());
    assertEquals(400, numbers.stream().distinct().count());
  }

  @Test
  void whatManyThreadsOpenAndCloseEndsOnce() throws Exception {
    client.createDevice(ProbeProvider.PROBE);
    List<Thread> threads = new ArrayList<>();
    List<Throwable> faults = new CopyOnWriteArrayList<>();
    for (int i = 0; i < 4; i++) {
      long struct = client.memory.map(12);
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int j = 0; j < 200; j++) {
                      try {
                        makeAndClose(struct);
                      } catch (KvmException busy) {
                        if (busy.errno() != Errno.EBUSY) {
                          faults.add(busy);
                        }
                      } catch (RuntimeException | Error fault) {
                        faults.add(fault);
                      }
                    }
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    process.close();
    assertEquals(List.of(), faults);
    assertTrue(count("create kvm-vfio") > 0);
    assertEquals(count("create kvm-vfio"), count("release kvm-vfio"));
    assertEquals(1, count("create kvm-probe"));
    assertEquals(1, count("destroy kvm-probe"));
  }

  /** Makes a device, refers to it by a second number, and closes both. */
  private void makeAndClose(long struct) throws KvmException {
    client.ints(struct, ProbeProvider.VFIO, 0, 0);
    client.ioctl(client.vm, Request.CREATE_DEVICE, struct);
    int device = (int) client.memory.readNumber(struct + 4, 4);
    int dup = process.dup(device);
    process.close(device);
    assertEquals("anon_inode:kvm-vfio", process.fileName(dup));
    process.close(dup);
  }

  private long count(String event) {
    return client.family.log.stream().filter(event::equals).count();
  }
}
