package org.kvmdev.runtime.ioctl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.kvmdev.runtime.ioctl.Client.answer;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;

/**
 * What Linux 6.18 answered about the fds of KVM on an x86-64 host, each probe on a VM, a vCPU and a
 * KVM_DEV_TYPE_VFIO device of its own. HAS is KVM_HAS_DEVICE_ATTR of group 1, attr 1.
 *
 * <p>Left out is what has no counterpart: VFIO's look at its caller's other files, and the
 * attributes that x86's /dev/kvm has beside devices.
 */
class FdFactsTest {
  private static final Host HOST =
      ProbeProvider.host(
          "x86_64-6.18",
          "endian=little",
          "vm.ioctl=ENOTTY",
          "kvm.attrs=ENXIO",
          "cap.25=4096",
          "cap.77=1",
          "cap.98=1");

  private static final int FIONBIO = 0x5421;
  private static final int FIOCLEX = 0x5451;
  private static final int FIONREAD = 0x541b;

  /** One row: what was tried, what it answered, and how it is tried here. */
  private record Fact(String probe, String result, Probe call) {
    @Override
    public String toString() {
      return probe + " | " + result;
    }
  }

  @FunctionalInterface
  private interface Probe {
    Object make(Machines on) throws KvmException;
  }

  /** A client with a vCPU and a device. */
  private static final class Machines {
    final Client client;
    final KvmProcess process;
    final ProcessMemory memory;
    final int system;
    final int vm;
    final int vcpu;
    final int dev;

    Machines() throws KvmException {
      client = new Client(HOST);
      process = client.process;
      memory = client.memory;
      system = client.system;
      vm = client.vm;
      vcpu = client.createVcpu(0);
      dev = client.createDevice(ProbeProvider.VFIO);
    }

    long create(int type, int flags) throws KvmException {
      return client.ioctl(vm, Request.CREATE_DEVICE, client.createStruct(type, flags));
    }

    /** A file operation that is refused. */
    String operate(FileOperation operation) {
      return answer(() -> process.operate(dev, operation));
    }

    String map(int fd, KvmProcess by) {
      return answer(
          () -> {
            by.mmap(fd, 0, 4096);
            return 0;
          });
    }

    /** What a forked child is answered. */
    String inChild(int fd, Request request, long argument) {
      try (KvmProcess child = process.fork()) {
        return answer(() -> child.ioctl(fd, child.requests().of(request), argument));
      }
    }

    /** KVM_CREATE_DEVICE with its structure in read-only memory. */
    String createReadOnly(int flags) throws KvmException {
      long struct = memory.map(1);
      client.ints(struct, ProbeProvider.VFIO, 0x1234_5678, flags);
      memory.protect(struct, true);
      return answer(() -> client.ioctl(vm, Request.CREATE_DEVICE, struct));
    }

    /** With every number up to the limit taken. */
    String atLimit(Client.Call call) throws KvmException {
      process.setFileLimit(dev + 1);
      return answer(call);
    }
  }

  private static Fact fact(String probe, String result, Probe call) {
    return new Fact(probe, result, call);
  }

  static Stream<Fact> files() {
    return Stream.of(
        fact(
            "readlink /proc/self/fd of the /dev/kvm fd",
            "/dev/kvm",
            on -> on.process.fileName(on.system)),
        fact(
            "readlink /proc/self/fd of the VM fd",
            "anon_inode:kvm-vm",
            on -> on.process.fileName(on.vm)),
        fact(
            "readlink /proc/self/fd of the vCPU fd",
            "anon_inode:kvm-vcpu:0",
            on -> on.process.fileName(on.vcpu)),
        fact(
            "readlink /proc/self/fd of the VFIO device fd",
            "anon_inode:kvm-vfio",
            on -> on.process.status(on.dev).name()),
        fact(
            "fcntl(dev,F_GETFL) & O_ACCMODE (2 = O_RDWR)",
            "2",
            on -> on.process.status(on.dev).flags() & 3),
        fact(
            "fcntl(dev,F_GETFL) & ~O_ACCMODE & ~O_LARGEFILE",
            "0",
            on -> on.process.status(on.dev).flags() & ~3),
        fact(
            "fcntl(dev,F_GETFD) (1 = FD_CLOEXEC)",
            "true",
            on -> on.process.status(on.dev).closeOnExec()),
        fact("fcntl(vm,F_GETFD)", "true", on -> on.process.status(on.vm).closeOnExec()),
        fact("fcntl(vcpu,F_GETFD)", "true", on -> on.process.status(on.vcpu).closeOnExec()),
        fact(
            "fstat(dev): st_mode, st_size",
            "0600, 0",
            on -> {
              FileStatus status = on.process.status(on.dev);
              return "0%o, %d".formatted(status.mode(), status.size());
            }),
        fact("read(dev,buf,8)", "-1 EINVAL", on -> on.operate(FileOperation.READ)),
        fact("write(dev,buf,8)", "-1 EINVAL", on -> on.operate(FileOperation.WRITE)),
        fact("lseek(dev,0,SEEK_SET)", "-1 ESPIPE", on -> on.operate(FileOperation.SEEK)),
        fact("pread(dev,buf,8,0)", "-1 ESPIPE", on -> on.operate(FileOperation.POSITIONED_READ)),
        fact("ftruncate(dev,0)", "-1 EINVAL", on -> on.operate(FileOperation.TRUNCATE)),
        fact("fsync(dev)", "-1 EINVAL", on -> on.operate(FileOperation.SYNC)),
        fact("poll(dev,POLLIN|POLLOUT,0)", "5", on -> on.process.poll(on.dev, 5)),
        fact(
            "mmap(dev,4096,PROT_READ,MAP_SHARED,off 0)",
            "-1 ENODEV",
            on -> on.map(on.dev, on.process)),
        fact(
            "mmap(vm,4096,PROT_READ,MAP_SHARED,off 0)",
            "-1 ENODEV",
            on -> on.map(on.vm, on.process)),
        fact("open(/proc/self/fd/DEV,O_RDWR)", "-1 ENXIO", on -> on.operate(FileOperation.REOPEN)),
        fact(
            "flock-style fcntl(dev,F_SETFL,O_NONBLOCK)",
            "0x802",
            on -> {
              on.process.setFlags(on.dev, FileStatus.NON_BLOCKING);
              return "0x%x".formatted(on.process.status(on.dev).flags());
            }),
        fact(
            "FIONBIO ioctl on dev (generic VFS ioctl)",
            "0",
            on -> on.process.ioctl(on.dev, FIONBIO, on.client.page)),
        fact(
            "FIOCLEX ioctl on dev",
            "0",
            on -> on.process.ioctl(on.process.dup(on.dev), FIOCLEX, 0)),
        fact(
            "FIONREAD ioctl on dev",
            "-1 ENOTTY",
            on -> answer(() -> on.process.ioctl(on.dev, FIONREAD, on.client.page))),
        fact(
            "HAS on a pipe",
            "-1 ENOTTY",
            on -> answer(() -> on.client.has(on.process.openOther("pipe:[1]")))),
        fact("HAS on fd -1", "-1 EBADF", on -> answer(() -> on.client.has(-1))),
        fact(
            "CREATE_DEVICE on fd 9999",
            "-1 EBADF",
            on -> answer(() -> on.client.ioctl(9999, Request.CREATE_DEVICE, on.client.page))));
  }

  static Stream<Fact> references() {
    return Stream.of(
        fact("HAS on dup(dev)", "0", on -> on.client.has(on.process.dup(on.dev))),
        fact(
            "HAS on the dup after close of the first",
            "0",
            on -> {
              int dup = on.process.dup(on.dev);
              on.process.close(on.dev);
              return on.client.has(dup);
            }),
        fact(
            "CREATE a second VFIO while the dup is open",
            "-1 EBUSY",
            on -> {
              on.process.dup(on.dev);
              on.process.close(on.dev);
              return answer(() -> on.create(ProbeProvider.VFIO, 0));
            }),
        fact(
            "HAS on the closed dup",
            "-1 EBADF",
            on -> {
              int dup = on.process.dup(on.dev);
              on.process.close(dup);
              return answer(() -> on.client.has(dup));
            }),
        fact(
            "CREATE VFIO after the last fd closed",
            "0",
            on -> {
              int dup = on.process.dup(on.dev);
              on.process.close(on.dev);
              on.process.close(dup);
              return on.create(ProbeProvider.VFIO, 0);
            }),
        fact(
            "KVM_CREATE_DEVICE while one is open",
            "-1 EBUSY",
            on -> answer(() -> on.create(ProbeProvider.VFIO, 0))));
  }

  static Stream<Fact> structures() {
    return Stream.of(
        fact(
            "HAS, struct's last 8 bytes (addr) unmapped",
            "-1 EFAULT",
            on -> {
              long end = on.memory.map(4096) + 4096;
              on.client.ints(end - 16, 0, 1, 1, 0);
              return answer(() -> on.client.ioctl(on.dev, Request.HAS_DEVICE_ATTR, end - 16));
            }),
        fact(
            "HAS, struct flush with the end of the page",
            "0",
            on -> {
              long struct = on.memory.map(4096) + 4096 - 24;
              on.client.attrAt(struct, 1, 1, 0);
              return on.client.ioctl(on.dev, Request.HAS_DEVICE_ATTR, struct);
            }),
        fact(
            "HAS, struct misaligned by 1",
            "0",
            on -> {
              long struct = on.client.attrAt(on.client.page + 65, 1, 1, 0);
              return on.client.ioctl(on.dev, Request.HAS_DEVICE_ATTR, struct);
            }),
        fact(
            "SET FILE_ADD, int32 straddles into an unmapped page",
            "-1 EFAULT",
            on -> {
              long data = on.memory.map(4096) + 4096 - 2;
              return answer(
                  () ->
                      on.client.ioctl(on.dev, Request.SET_DEVICE_ATTR, on.client.attr(1, 1, data)));
            }),
        fact(
            "SET FILE_ADD, int32 misaligned, -1",
            "-1 EBADF",
            on -> {
              long data = on.client.ints(on.client.page + 1001, -1);
              return answer(
                  () ->
                      on.client.ioctl(on.dev, Request.SET_DEVICE_ATTR, on.client.attr(1, 1, data)));
            }),
        fact(
            "cd.fd after a TEST that succeeds, was 0x12345678",
            "0x12345678",
            on -> {
              on.create(ProbeProvider.VFIO, 1);
              return "0x%x".formatted(on.client.createdFd());
            }),
        fact(
            "cd.fd after a failed create, was 0x12345678",
            "0x12345678",
            on -> {
              answer(() -> on.create(ProbeProvider.VFIO, 0));
              return "0x%x".formatted(on.client.createdFd());
            }),
        fact("CREATE TEST, struct in read-only memory", "-1 EFAULT", on -> on.createReadOnly(1)),
        fact(
            "CREATE VFIO, struct in read-only memory",
            "-1 EFAULT",
            on -> {
              on.process.close(on.dev);
              return on.createReadOnly(0);
            }),
        fact(
            "... and the fd it had allocated before failing to write it back",
            "anon_inode:kvm-vfio",
            on -> {
              on.process.close(on.dev);
              on.createReadOnly(0);
              return on.process.fileName(on.dev);
            }),
        fact(
            "CREATE VFIO again",
            "-1 EBUSY",
            on -> {
              on.process.close(on.dev);
              on.createReadOnly(0);
              return answer(() -> on.create(ProbeProvider.VFIO, 0));
            }),
        fact(
            "close of that leaked fd",
            "0",
            on -> {
              on.process.close(on.dev);
              on.createReadOnly(0);
              on.process.close(on.dev);
              return on.create(ProbeProvider.VFIO, 0);
            }));
  }

  static Stream<Fact> children() {
    return Stream.of(
        fact(
            "in a forked child: HAS on the parent's device",
            "-1 EIO",
            on -> on.inChild(on.dev, Request.HAS_DEVICE_ATTR, on.client.attr(1, 1, 0))),
        fact(
            "in a forked child: GET on the parent's device (EPERM in the parent)",
            "-1 EIO",
            on -> on.inChild(on.dev, Request.GET_DEVICE_ATTR, on.client.attr(1, 1, 0))),
        fact(
            "in a forked child: HAS with pointer 0",
            "-1 EIO",
            on -> on.inChild(on.dev, Request.HAS_DEVICE_ATTR, 0)),
        fact(
            "in a forked child: unknown request on the device",
            "-1 EIO",
            on -> on.inChild(on.dev, Request.GET_API_VERSION, 0)),
        fact(
            "in a forked child: CREATE_DEVICE TEST on the VM",
            "-1 EIO",
            on ->
                on.inChild(
                    on.vm, Request.CREATE_DEVICE, on.client.createStruct(ProbeProvider.VFIO, 1))),
        fact(
            "in a forked child: CREATE_DEVICE of unknown type on the VM",
            "-1 EIO",
            on -> on.inChild(on.vm, Request.CREATE_DEVICE, on.client.createStruct(99, 0))),
        fact(
            "in a forked child: CHECK_EXTENSION 89 on the VM",
            "-1 EIO",
            on -> on.inChild(on.vm, Request.CHECK_EXTENSION, 89)),
        fact(
            "in a forked child: KVM_GET_API_VERSION on /dev/kvm",
            "12",
            on -> on.inChild(on.system, Request.GET_API_VERSION, 0)),
        fact(
            "in a forked child: CHECK_EXTENSION 89 on /dev/kvm",
            "1",
            on -> on.inChild(on.system, Request.CHECK_EXTENSION, 89)),
        fact(
            "in a forked child: vCPU KVM_RUN", "-1 EIO", on -> on.inChild(on.vcpu, Request.RUN, 0)),
        fact(
            "in a forked child: mmap of the device",
            "-1 ENODEV",
            on -> {
              try (KvmProcess child = on.process.fork()) {
                return on.map(on.dev, child);
              }
            }),
        fact(
            "in a forked child: close(dev), then in the parent: HAS",
            "0",
            on -> {
              try (KvmProcess child = on.process.fork()) {
                child.close(on.dev);
              }
              return on.client.has(on.dev);
            }));
  }

  static Stream<Fact> limits() {
    return Stream.of(
        fact(
            "at RLIMIT_NOFILE: CREATE VFIO",
            "-1 EMFILE",
            on -> {
              on.process.close(on.dev);
              on.process.openOther("the last number");
              return on.atLimit(() -> on.create(ProbeProvider.VFIO, 0));
            }),
        fact(
            "at RLIMIT_NOFILE: CREATE VFIO TEST",
            "0",
            on -> on.atLimit(() -> on.create(ProbeProvider.VFIO, 1))),
        fact(
            "at RLIMIT_NOFILE: CREATE unknown type",
            "-1 ENODEV",
            on -> on.atLimit(() -> on.create(99, 0))),
        fact(
            "at RLIMIT_NOFILE: KVM_CREATE_VM",
            "-1 EMFILE",
            on -> on.atLimit(() -> on.client.ioctl(on.system, Request.CREATE_VM, 0))),
        fact(
            "at RLIMIT_NOFILE: KVM_CREATE_VM type 0xff",
            "-1 EMFILE",
            on -> on.atLimit(() -> on.client.ioctl(on.system, Request.CREATE_VM, 0xff))),
        fact(
            "at RLIMIT_NOFILE: CREATE_VCPU",
            "-1 EMFILE",
            on -> on.atLimit(() -> on.client.createVcpu(1))),
        fact(
            "after the limit is lifted: CREATE VFIO (the failed one left nothing behind)",
            "0",
            on -> {
              on.process.close(on.dev);
              on.process.openOther("the last number");
              on.atLimit(() -> on.create(ProbeProvider.VFIO, 0));
              on.process.setFileLimit(100);
              return on.create(ProbeProvider.VFIO, 0);
            }),
        fact(
            "after the limit is lifted: CREATE_VCPU 0",
            "made",
            on -> {
              on.atLimit(() -> on.client.createVcpu(1));
              on.process.setFileLimit(100);
              on.client.createVcpu(1);
              return "made";
            }));
  }

  static Stream<Fact> requests() {
    return Stream.of(
        fact(
            "KVM_CREATE_VM type 0xff",
            "-1 EINVAL",
            on -> answer(() -> on.client.ioctl(on.system, Request.CREATE_VM, 0xff))),
        fact(
            "KVM_CREATE_VCPU id 0 twice", "-1 EEXIST", on -> answer(() -> on.client.createVcpu(0))),
        fact(
            "KVM_CREATE_VCPU id 100000",
            "-1 EINVAL",
            on -> answer(() -> on.client.createVcpu(100000))),
        fact(
            "KVM_CHECK_EXTENSION 89 on /dev/kvm",
            "1",
            on -> on.client.ioctl(on.system, Request.CHECK_EXTENSION, 89)),
        fact(
            "KVM_CREATE_DEVICE on /dev/kvm",
            "-1 EINVAL",
            on -> answer(() -> on.client.ioctl(on.system, Request.CREATE_DEVICE, on.client.page))),
        fact(
            "KVM_SET_DEVICE_ATTR on /dev/kvm",
            "-1 EINVAL",
            on ->
                answer(
                    () ->
                        on.client.ioctl(
                            on.system, Request.SET_DEVICE_ATTR, on.client.attr(1, 1, 0)))),
        fact(
            "KVM_HAS_DEVICE_ATTR group 1 attr 1 on /dev/kvm",
            "-1 ENXIO",
            on -> answer(() -> on.client.has(on.system))),
        fact(
            "unknown request 0xaeff on /dev/kvm",
            "-1 EINVAL",
            on -> answer(() -> on.process.ioctl(on.system, 0xaeff, 0))),
        fact(
            "KVM_GET_API_VERSION with arg 1 on /dev/kvm",
            "-1 EINVAL",
            on -> answer(() -> on.client.ioctl(on.system, Request.GET_API_VERSION, 1))),
        fact(
            "40 VMs, 4 threads each racing CREATE VFIO: made / refused",
            "40 / 120",
            FdFactsTest::race));
  }

  private static String race(Machines on) throws KvmException {
    AtomicInteger made = new AtomicInteger();
    AtomicInteger refused = new AtomicInteger();
    for (int i = 0; i < 40; i++) {
      int vm = on.client.createVm();
      CountDownLatch start = new CountDownLatch(1);
      List<Thread> threads = new ArrayList<>();
      for (int j = 0; j < 4; j++) {
        long struct = on.memory.map(12);
        on.client.ints(struct, ProbeProvider.VFIO, -1, 0);
        threads.add(
            Thread.startVirtualThread(
                () -> {
                  try {
                    start.await();
                    on.client.ioctl(vm, Request.CREATE_DEVICE, struct);
                    made.incrementAndGet();
                  } catch (KvmException busy) {
                    refused.incrementAndGet();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                }));
      }
      start.countDown();
      try {
        for (Thread thread : threads) {
          thread.join();
        }
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
    return made + " / " + refused;
  }

  @ParameterizedTest
  @MethodSource({"files", "references", "structures", "children", "limits", "requests"})
  void answersAsLinux(Fact fact) throws KvmException {
    Machines machines = new Machines();
    try (Client client = machines.client) {
      assertEquals(
          fact.result, String.valueOf(fact.call.make(machines)), client.family.log::toString);
    }
  }
}
