package org.kvmdev.testkit.conformance;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Operation;
import org.kvmdev.runtime.ioctl.Direction;
import org.kvmdev.runtime.ioctl.KvmProcess;
import org.kvmdev.runtime.ioctl.Request;

/** Rules about what is checked before what. */
final class OrderRules {
  private static final List<Request> ACCESSORS =
      List.of(Request.HAS_DEVICE_ATTR, Request.GET_DEVICE_ATTR, Request.SET_DEVICE_ATTR);
  private static final int NOBODYS_NUMBER = 0xfe;

  static final List<Rule> RULES =
      List.of(
          Rule.of(
              "O01",
              "another_process_is_refused_first",
              "Every request of a process that did not make the VM is EIO, before anything else is"
                  + " looked at.",
              "Since Linux 5.1 kvm_device_ioctl and kvm_vm_ioctl compare the mm first. Recorded in"
                  + " a forked child: EIO also for a missing accessor, a null pointer and an"
                  + " unknown request.",
              OrderRules::anotherProcessIsRefusedFirst),
          Rule.of(
              "O02",
              "missing_operations_are_refused_before_anything_is_read",
              "An accessor that the type does not declare is EPERM, a request ENOTTY, mapping"
                  + " ENODEV, with the worst of pointers too.",
              "kvm_device_ioctl_attr looks for the accessor before copy_from_user. Recorded: GET of"
                  + " a VFIO device at a bad pointer is EPERM; its mmap ENODEV.",
              OrderRules::missingOperationsAreRefusedBeforeAnythingIsRead),
          Rule.of(
              "O03",
              "unreadable_struct_is_efault_before_the_device_is_asked",
              "A structure that cannot be read is EFAULT, and the device is not asked; one that"
                  + " ends with the page can be read.",
              "copy_from_user of struct kvm_device_attr precedes the accessor. Recorded: EFAULT"
                  + " where its last 8 bytes are unmapped.",
              OrderRules::unreadableStructIsEfaultBeforeTheDeviceIsAsked),
          Rule.of(
              "O04",
              "attribute_flags_are_ignored",
              "The answer does not depend on the flags of struct kvm_device_attr.",
              "No flags are defined, and the kernel does not look at them. Recorded: 0xffffffff is"
                  + " accepted.",
              OrderRules::attributeFlagsAreIgnored),
          Rule.of(
              "O05",
              "unknown_request_is_enotty",
              "A request that nobody has is ENOTTY on the device; so is KVM_CREATE_DEVICE there.",
              "kvm_device_ioctl hands what it does not know to the device, or answers ENOTTY."
                  + " Clients probe by it.",
              OrderRules::unknownRequestIsEnotty),
          Rule.of(
              "O06",
              "declared_operations_are_there",
              "An operation that the type declares does not answer as one that is missing.",
              "In Linux an operation is there where its pointer is not null; here, where it is"
                  + " declared.",
              OrderRules::declaredOperationsAreThere));

  private OrderRules() {}

  private static void anotherProcessIsRefusedFirst(Subject subject, Findings findings)
      throws Exception {
    try (Bench bench = subject.rawBench(new Journal());
        KvmProcess child = bench.process().fork()) {
      DeviceType type = bench.type();
      for (Request accessor : ACCESSORS) {
        for (long struct : new long[] {bench.struct(), Bench.NOWHERE}) {
          Errno errno = bench.attempt(child, bench.device(), bench.number(accessor), struct);
          findings.require(
              errno == Errno.EIO,
              type,
              "%s of another process answers %s, expected EIO",
              accessor,
              Words.answer(errno));
        }
      }
      Errno errno = bench.attempt(child, bench.device(), nobodys(bench), Bench.NOWHERE);
      findings.require(
          errno == Errno.EIO,
          type,
          "an unknown request of another process answers %s, expected EIO",
          Words.answer(errno));
      errno = bench.attempt(child, bench.vm(), bench.number(Request.CREATE_DEVICE), Bench.NOWHERE);
      findings.require(
          errno == Errno.EIO,
          type,
          "KVM_CREATE_DEVICE of another process answers %s, expected EIO",
          Words.answer(errno));
    }
  }

  private static int nobodys(Bench bench) {
    return bench.process().requests().of(Direction.NONE, NOBODYS_NUMBER, 0);
  }

  private static Request accessor(Operation operation) {
    return switch (operation) {
      case HAS_ATTR -> Request.HAS_DEVICE_ATTR;
      case GET_ATTR -> Request.GET_DEVICE_ATTR;
      default -> Request.SET_DEVICE_ATTR;
    };
  }

  private static void missingOperationsAreRefusedBeforeAnythingIsRead(
      Subject subject, Findings findings) throws Exception {
    Journal journal = new Journal();
    DeviceType type = subject.type();
    try (Bench bench = subject.rawBench(journal)) {
      for (Operation operation : Operation.values()) {
        if (type.has(operation)) {
          continue;
        }
        Errno errno = missing(bench, operation);
        findings.require(
            errno == operation.refusal().errno(),
            type,
            "%s, which the type does not declare, answers %s, expected %s",
            operation,
            Words.answer(errno),
            operation.refusal().errno());
      }
      findings.require(
          journal.events().equals(List.of("create", "init")),
          type,
          "a device was asked for what its type does not declare: %s",
          journal.events());
    }
  }

  private static @Nullable Errno missing(Bench bench, Operation operation) {
    return switch (operation) {
      case MMAP -> map(bench);
      case IOCTL -> bench.attempt(bench.device(), nobodys(bench), Bench.NOWHERE);
      default -> bench.attempt(bench.device(), bench.number(accessor(operation)), Bench.NOWHERE);
    };
  }

  private static @Nullable Errno map(Bench bench) {
    try {
      bench.process().mmap(bench.device(), 0, bench.areaBytes());
      return null;
    } catch (KvmException refusal) {
      return refusal.errno();
    }
  }

  private static void unreadableStructIsEfaultBeforeTheDeviceIsAsked(
      Subject subject, Findings findings) throws Exception {
    Journal journal = new Journal();
    DeviceType type = subject.type();
    try (Bench bench = subject.rawBench(journal)) {
      for (Operation operation :
          List.of(Operation.HAS_ATTR, Operation.GET_ATTR, Operation.SET_ATTR)) {
        if (!type.has(operation)) {
          continue;
        }
        Request accessor = accessor(operation);
        for (long struct : new long[] {Bench.NOWHERE, bench.edge(bench.attrBytes() - 8)}) {
          Errno errno = bench.attempt(bench.device(), bench.number(accessor), struct);
          findings.require(
              errno == Errno.EFAULT,
              type,
              "%s with a structure that cannot be read answers %s, expected EFAULT",
              accessor,
              Words.answer(errno));
        }
      }
      findings.require(
          journal.events().equals(List.of("create", "init")),
          type,
          "the device was asked before the structure was read: %s",
          journal.events());
      if (type.has(Operation.HAS_ATTR)) {
        long struct = bench.edge(bench.attrBytes());
        bench.putAttr(struct, 0, subject.unknownGroups().getFirst(), 0, 0);
        Errno errno = bench.attempt(bench.device(), bench.number(Request.HAS_DEVICE_ATTR), struct);
        findings.require(
            errno != Errno.EFAULT, type, "a structure that ends with its page answers EFAULT");
      }
      findings.requireExamined("the type has no accessor");
    }
  }

  private static void attributeFlagsAreIgnored(Subject subject, Findings findings)
      throws Exception {
    for (Attribute attribute : subject.type().attributes()) {
      int group = attribute.group().number();
      for (long attr : subject.samples().of(attribute)) {
        // Each on a device of its own: an access may change what the next answers.
        String plain = answers(subject, attribute, group, attr, 0);
        String flagged = answers(subject, attribute, group, attr, -1);
        findings.require(
            plain.equals(flagged),
            attribute,
            "%s answers otherwise with flags 0xffffffff: %s, and without %s",
            Words.call("an access", attribute, attr),
            flagged,
            plain);
        if (attribute.isKeyed()) {
          break;
        }
      }
    }
    findings.requireExamined("the type has no attributes");
  }

  private static String answers(
      Subject subject, Attribute attribute, int group, long attr, int flags) throws Exception {
    try (Bench bench = subject.bench()) {
      bench.fill(bench.roomy(), attribute.size(), 0);
      return "HAS "
          + Words.answer(bench.access(Request.HAS_DEVICE_ATTR, flags, group, attr, bench.roomy()))
          + ", GET "
          + Words.answer(bench.access(Request.GET_DEVICE_ATTR, flags, group, attr, bench.roomy()))
          + " "
          + Arrays.toString(bench.bytes(bench.roomy(), attribute.size()))
          + ", SET "
          + Words.answer(bench.access(Request.SET_DEVICE_ATTR, flags, group, attr, bench.roomy()));
    }
  }

  private static void unknownRequestIsEnotty(Subject subject, Findings findings) throws Exception {
    try (Bench bench = subject.rawBench(new Journal())) {
      for (int request :
          new int[] {
            nobodys(bench), bench.number(Request.CREATE_DEVICE), bench.number(Request.RUN)
          }) {
        for (long argument : new long[] {Bench.NOWHERE, bench.roomy()}) {
          Errno errno = bench.attempt(bench.device(), request, argument);
          findings.require(
              errno == Errno.ENOTTY,
              bench.type(),
              "request %#x answers %s, expected ENOTTY",
              request,
              Words.answer(errno));
        }
      }
    }
  }

  private static void declaredOperationsAreThere(Subject subject, Findings findings)
      throws Exception {
    DeviceType type = subject.type();
    try (Bench bench = subject.bench()) {
      for (Attribute attribute : type.attributes()) {
        int group = attribute.group().number();
        for (long attr : subject.samples().of(attribute)) {
          bench.fill(bench.roomy(), attribute.size(), 0);
          requireThere(type, Operation.HAS_ATTR, bench.has(group, attr), attribute, attr, findings);
          if (attribute.access().reads()) {
            requireThere(
                type,
                Operation.GET_ATTR,
                bench.get(group, attr, bench.roomy()),
                attribute,
                attr,
                findings);
          }
          if (attribute.access().writes()) {
            requireThere(
                type,
                Operation.SET_ATTR,
                bench.set(group, attr, bench.roomy()),
                attribute,
                attr,
                findings);
          }
        }
      }
      if (type.has(Operation.MMAP)) {
        findings.require(
            map(bench) != Errno.ENODEV, type, "MMAP is declared, and mapping answers ENODEV");
      }
      findings.requireExamined("the type has neither attributes nor mappings");
    }
  }

  private static void requireThere(
      DeviceType type,
      Operation operation,
      @Nullable Errno errno,
      Attribute attribute,
      long attr,
      Findings findings) {
    findings.require(
        !type.has(operation) || errno != operation.refusal().errno(),
        attribute,
        "%s is declared, and %s answers %s, as if it were missing",
        operation,
        Words.call("the access", attribute, attr),
        Words.answer(errno));
  }
}
