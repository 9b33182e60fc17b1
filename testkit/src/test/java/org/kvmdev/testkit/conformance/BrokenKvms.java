package org.kvmdev.testkit.conformance;

import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Operation;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.runtime.ioctl.KvmProcess;
import org.kvmdev.runtime.ioctl.ProcessMemory;
import org.kvmdev.runtime.ioctl.Request;

/**
 * KVMs that are wrong in one thing each, with a correct device in them: some rules hold for the
 * whole system, and no device can break them.
 */
final class BrokenKvms {
  private static final int FLAGS_AT = 8;
  private static final int TEST = 1;
  private static final int VM_FD = 4;

  private BrokenKvms() {}

  static List<Broken> all() {
    AtomicInteger creating = new AtomicInteger();
    return List.of(
        Broken.kvm(
            "the test clears fd",
            "test_makes_nothing",
            (process, fd, request, argument) -> {
              boolean test =
                  is(process, request, Request.CREATE_DEVICE) && isTest(process, argument);
              long answer = process.ioctl(fd, request, argument);
              if (test) {
                process.memory().writeNumber(argument + 4, 4, 0);
              }
              return answer;
            }),
        Broken.kvm(
            "unknown creation flags are EINVAL",
            "unknown_creation_flags_are_ignored",
            (process, fd, request, argument) -> {
              if (is(process, request, Request.CREATE_DEVICE)
                  && isMapped(process, argument)
                  && (flags(process, argument) & ~TEST) != 0) {
                throw KvmException.constant(Errno.EINVAL, "a mistake");
              }
              return process.ioctl(fd, request, argument);
            }),
        Broken.kvm(
            "init runs under the VM's lock",
            "created_under_the_vm_lock_initialised_outside",
            (process, fd, request, argument) ->
                is(process, request, Request.CREATE_DEVICE) && isVm(process, fd)
                    ? process
                        .vm(fd)
                        .machine()
                        .<Long>quiesced(() -> process.ioctl(fd, request, argument))
                    : process.ioctl(fd, request, argument)),
        Broken.kvm(
            "creation at the same time is EAGAIN",
            "threads_race_for_no_more_than_the_limit",
            (process, fd, request, argument) -> {
              if (!is(process, request, Request.CREATE_DEVICE)) {
                return process.ioctl(fd, request, argument);
              }
              try {
                if (creating.incrementAndGet() > 1) {
                  throw KvmException.constant(Errno.EAGAIN, "a mistake");
                }
                // So that others come meanwhile, on a loaded machine too.
                LockSupport.parkNanos(500_000);
                return process.ioctl(fd, request, argument);
              } finally {
                creating.decrementAndGet();
              }
            }),
        renamed(
            "another process's structure is read first",
            "another_process_is_refused_first",
            Errno.EIO,
            Errno.EFAULT),
        new Broken(
            "a structure is read before the accessor is looked for",
            "missing_operations_are_refused_before_anything_is_read",
            Set.of(),
            new WriteOnly(),
            Broken.FIXTURE.caller(renaming(Errno.EPERM, Errno.EFAULT))),
        renamed(
            "an unreadable structure is EINVAL",
            "unreadable_struct_is_efault_before_the_device_is_asked",
            Errno.EFAULT,
            Errno.EINVAL),
        Broken.kvm(
            "attribute flags are EINVAL",
            "attribute_flags_are_ignored",
            (process, fd, request, argument) -> {
              if (isAccessor(process, request)
                  && isMapped(process, argument)
                  && process.memory().readNumber(argument, 4) == 0xffff_ffffL) {
                throw KvmException.constant(Errno.EINVAL, "a mistake");
              }
              return process.ioctl(fd, request, argument);
            }),
        Broken.kvm(
            "a structure that cannot be written back is EIO",
            "unwritable_struct_leaves_the_device_to_its_file",
            (process, fd, request, argument) -> {
              try {
                return process.ioctl(fd, request, argument);
              } catch (KvmException refusal) {
                throw is(process, request, Request.CREATE_DEVICE) && refusal.errno() == Errno.EFAULT
                    ? KvmException.constant(Errno.EIO, "a mistake")
                    : refusal;
              }
            }),
        Broken.kvm(
            "a device ends with its VM's file",
            "device_keeps_its_vm",
            (process, fd, request, argument) -> {
              if (is(process, request, Request.HAS_DEVICE_ATTR)) {
                process.fileName(VM_FD);
              }
              return process.ioctl(fd, request, argument);
            }));
  }

  /** A KVM that answers another errno where the structure is nowhere. */
  private static Broken renamed(String mistake, String rule, Errno right, Errno wrong) {
    return Broken.kvm(mistake, rule, renaming(right, wrong));
  }

  private static Options.Caller renaming(Errno right, Errno wrong) {
    return (process, fd, request, argument) -> {
      try {
        return process.ioctl(fd, request, argument);
      } catch (KvmException refusal) {
        throw refusal.errno() == right && argument == Bench.NOWHERE && isAccessor(process, request)
            ? KvmException.constant(wrong, "a mistake")
            : refusal;
      }
    };
  }

  private static boolean is(KvmProcess process, int request, Request which) {
    return process.requests().of(which) == request;
  }

  private static boolean isAccessor(KvmProcess process, int request) {
    return is(process, request, Request.HAS_DEVICE_ATTR)
        || is(process, request, Request.GET_DEVICE_ATTR)
        || is(process, request, Request.SET_DEVICE_ATTR);
  }

  private static boolean isVm(KvmProcess process, int fd) {
    try {
      process.vm(fd);
      return true;
    } catch (KvmException e) {
      return false;
    }
  }

  private static boolean isMapped(KvmProcess process, long argument) {
    ProcessMemory memory = process.memory();
    try {
      memory.readNumber(argument + FLAGS_AT, 4);
      return true;
    } catch (KvmException e) {
      return false;
    }
  }

  private static int flags(KvmProcess process, long argument) throws KvmException {
    return (int) process.memory().readNumber(argument + FLAGS_AT, 4);
  }

  private static boolean isTest(KvmProcess process, long argument) throws KvmException {
    return isMapped(process, argument) && (flags(process, argument) & TEST) != 0;
  }

  /** A type without GET and without attributes. */
  private static final class WriteOnly implements DeviceProvider {
    @Override
    public List<DeviceType> types() {
      return List.of(
          DeviceType.of(LatchProvider.LATCH, "KVM_DEV_TYPE_NOTHING", "kvm-nothing", "Nothing.")
              .operations(Operation.HAS_ATTR, Operation.SET_ATTR)
              .build());
    }

    @Override
    public Set<String> architectures() {
      return Set.of();
    }

    @Override
    public DeviceOps create(DeviceType type, Machine machine) {
      return new DeviceOps() {
        private static final KvmException UNKNOWN =
            KvmException.constant(Errno.ENXIO, "there is no attribute");

        @Override
        public void hasAttr(int group, long attr) throws KvmException {
          throw UNKNOWN;
        }

        @Override
        public void setAttr(int group, long attr, long address, UserMemory memory)
            throws KvmException {
          throw UNKNOWN;
        }
      };
    }
  }
}
