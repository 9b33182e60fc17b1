package org.kvmdev.testkit.conformance;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Operation;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;
import org.kvmdev.runtime.ioctl.Request;

/** Rules about clients and guests that make mistakes. */
final class RobustnessRules {
  private static final int CALLS = 20_000;
  private static final long LONGEST_NANOS = 700_000_000L;
  private static final List<Request> ACCESSORS =
      List.of(Request.HAS_DEVICE_ATTR, Request.GET_DEVICE_ATTR, Request.SET_DEVICE_ATTR);

  static final List<Rule> RULES =
      List.of(
          Rule.of(
              "R01",
              "only_refusals_leave_the_accessors",
              "For any group, attr, size, value, address and flags, only a KvmException leaves the"
                  + " device.",
              "Whatever user space passes, a kernel answers an errno. Anything else that is thrown"
                  + " is answered EIO and logged as the jar's fault.",
              RobustnessRules::onlyRefusalsLeaveTheAccessors),
          Rule.of(
              "R02",
              "guest_accesses_never_fail",
              "Loads and stores of any size at any offset of the device's regions are answered or"
                  + " declined.",
              "A guest must not bring its hypervisor down; what a device does not take goes to user"
                  + " space.",
              RobustnessRules::guestAccessesNeverFail),
          Rule.of(
              "R03",
              "lines_and_messages_never_fail",
              "KVM_IRQ_LINE, KVM_SIGNAL_MSI and hypercalls with any numbers are answered or"
                  + " refused.",
              "They reach the device's ports with numbers that nobody has checked.",
              RobustnessRules::linesAndMessagesNeverFail),
          Rule.of(
              "R04",
              "own_requests_never_fail",
              "A device's own requests answer any number and argument with success or an errno.",
              "struct kvm_device_ops.ioctl is handed every request that is not an accessor.",
              RobustnessRules::ownRequestsNeverFail),
          Rule.of(
              "R05",
              "parallel_calls_leave_no_torn_state",
              "Of several threads that set a value, a GET sees one or the other, whole; and nothing"
                  + " but refusals leaves the device.",
              "Requests on a file are not serialized: a device guards its own state.",
              RobustnessRules::parallelCallsLeaveNoTornState));

  private RobustnessRules() {}

  private static void onlyRefusalsLeaveTheAccessors(Subject subject, Findings findings)
      throws Exception {
    long seed = subject.options().seed();
    findings.remark("seed %#x", seed);
    Random random = new Random(seed);
    List<Long> numbers = new ArrayList<>();
    for (Attribute attribute : subject.type().attributes()) {
      numbers.addAll(subject.samples().of(attribute));
      numbers.add(attribute.lastKey());
    }
    Journal journal = new Journal();
    long start = System.nanoTime();
    try (Bench bench = subject.bench(journal)) {
      for (int call = 0;
          call < subject.options().times(CALLS)
              && journal.faults().isEmpty()
              && System.nanoTime() - start < LONGEST_NANOS;
          call++) {
        if (call % 16 == 0) {
          byte[] noise = new byte[64];
          random.nextBytes(noise);
          bench.put(bench.roomy(), noise);
        }
        bench.access(
            ACCESSORS.get(random.nextInt(3)),
            random.nextInt(4) == 0 ? random.nextInt() : 0,
            group(subject, random),
            number(numbers, random),
            address(bench, random));
      }
      findings.examine(subject.type());
      journal.faults().forEach(fault -> findings.violation(subject.type(), "%s", fault));
    }
  }

  private static int group(Subject subject, Random random) {
    int groups = subject.type().groups().size();
    return groups == 0 || random.nextInt(16) == 0
        ? random.nextInt()
        : subject.type().groups().get(random.nextInt(groups)).number();
  }

  private static long number(List<Long> numbers, Random random) {
    long known = numbers.isEmpty() ? 0 : numbers.get(random.nextInt(numbers.size()));
    return switch (random.nextInt(8)) {
      case 0 -> random.nextLong();
      case 1 -> random.nextInt(1 << 20);
      case 2 -> known + random.nextInt(9) - 4;
      case 3 -> known ^ 1L << random.nextInt(64);
      case 4 -> random.nextInt(300);
      default -> known;
    };
  }

  private static long address(Bench bench, Random random) {
    return switch (random.nextInt(8)) {
      case 0 -> Bench.NOWHERE;
      case 1 -> bench.edge(random.nextInt(16));
      case 2 -> random.nextLong();
      default -> bench.roomy();
    };
  }

  private static void guestAccessesNeverFail(Subject subject, Findings findings) throws Exception {
    if (!subject.guestRuns()) {
      throw new Findings.Skipped("no guest can run with the device as it is brought up");
    }
    long seed = subject.options().seed();
    findings.remark("seed %#x", seed);
    Activity activity = Activity.everywhere(subject, seed);
    long start = System.nanoTime();
    try (Bench bench = subject.bench()) {
      // Some devices go on the bus when a guest first runs.
      bench.run();
      if (bench.typedVm().machine().mmio().regions().isEmpty()) {
        throw new Findings.Skipped("the device has no regions on the bus as it is brought up");
      }
      findings.examine(subject.type());
      for (int call = 0;
          call < subject.options().times(CALLS)
              && findings.isClean()
              && System.nanoTime() - start < LONGEST_NANOS;
          call++) {
        String answer = activity.guest(bench);
        requireAlive(bench, answer, findings);
      }
    }
  }

  private static void requireAlive(Bench bench, String answer, Findings findings) {
    findings.require(
        !answer.endsWith(Errno.EIO.name()), bench.type(), "a fault, answered EIO: %s", answer);
  }

  private static void linesAndMessagesNeverFail(Subject subject, Findings findings)
      throws Exception {
    long seed = subject.options().seed();
    findings.remark("seed %#x", seed);
    Random random = new Random(seed);
    Activity activity = Activity.everywhere(subject, seed);
    long[] registers = new long[16];
    try (Bench bench = subject.bench()) {
      Vm vm = bench.typedVm();
      Vcpu vcpu = bench.typedVcpu(0);
      boolean runs = subject.guestRuns();
      for (int call = 0; call < subject.options().times(CALLS / 8) && findings.isClean(); call++) {
        requireAlive(bench, activity.line(bench), findings);
        requireAlive(bench, activity.message(bench), findings);
        requireAlive(bench, line(vm, random.nextInt(), random.nextInt()), findings);
        if (runs) {
          for (int i = 0; i < registers.length; i++) {
            registers[i] = random.nextBoolean() ? random.nextInt(32) : random.nextLong();
          }
          requireAlive(bench, hypercall(vcpu, random.nextInt(0x400) & ~3, registers), findings);
        }
      }
    }
  }

  private static String line(Vm vm, int number, int level) {
    try {
      return "line %#x level %#x answers %d".formatted(number, level, vm.irqLine(number, level));
    } catch (KvmException refusal) {
      return "line %#x level %#x answers %s".formatted(number, level, refusal.errno());
    }
  }

  private static String hypercall(Vcpu vcpu, long number, long[] registers) {
    try {
      vcpu.hypercall(number, registers);
      return "";
    } catch (KvmException refusal) {
      return "hypercall %#x answers %s".formatted(number, refusal.errno());
    }
  }

  private static void ownRequestsNeverFail(Subject subject, Findings findings) throws Exception {
    if (!subject.type().has(Operation.IOCTL) && !subject.type().has(Operation.MMAP)) {
      throw new Findings.Skipped("the type has no requests of its own, and cannot be mapped");
    }
    Random random = new Random(subject.options().seed());
    findings.remark("seed %#x", subject.options().seed());
    Journal journal = new Journal();
    try (Bench bench = subject.bench(journal)) {
      for (int call = 0;
          call < subject.options().times(CALLS / 4) && journal.faults().isEmpty();
          call++) {
        int request = random.nextBoolean() ? random.nextInt() : 0xae00 | random.nextInt(256);
        bench.attempt(bench.device(), request, address(bench, random));
        try {
          long page = bench.areaBytes();
          long offset = random.nextBoolean() ? random.nextInt(8) : random.nextLong() >>> 16;
          bench.process().mmap(bench.device(), offset * page, page * random.nextInt(1, 9));
        } catch (KvmException refusal) {
          // A refusal is right.
        }
      }
      findings.examine(subject.type());
      journal.faults().forEach(fault -> findings.violation(subject.type(), "%s", fault));
    }
  }

  private static void parallelCallsLeaveNoTornState(Subject subject, Findings findings)
      throws Exception {
    for (Attribute attribute : subject.attributes(a -> a.access().reads() && a.access().writes())) {
      if (!attribute.effects().isEmpty()) {
        continue;
      }
      for (long attr : subject.samples().of(attribute).stream().limit(2).toList()) {
        race(subject, attribute, attr, findings);
      }
    }
    findings.requireExamined("no attribute reads back what was written");
  }

  private static void race(Subject subject, Attribute attribute, long attr, Findings findings)
      throws Exception {
    Journal journal = new Journal();
    int group = attribute.group().number();
    int size = attribute.size();
    try (Bench bench = subject.bench(journal)) {
      byte[][] values = values(bench, attribute, attr);
      if (values == null) {
        return;
      }
      List<@Nullable String> wrong =
          Threads.race(
              4,
              thread -> hammer(bench, group, attr, values, thread, subject.options().times(4000)));
      findings.examine(attribute);
      for (String torn : wrong) {
        if (torn != null) {
          findings.violation(attribute, "%s %s", Words.call("GET", attribute, attr), torn);
        }
      }
      journal.faults().forEach(fault -> findings.violation(attribute, "%s", fault));
    }
  }

  /** Two values that are read back as they were written; null where there are none. */
  private static byte @Nullable [] @Nullable [] values(
      Bench bench, Attribute attribute, long attr) {
    int group = attribute.group().number();
    int size = attribute.size();
    byte[][] values = new byte[2][];
    for (int i = 0; i < 2; i++) {
      bench.fill(bench.roomy(), size, i == 0 ? 0 : -1);
      if (bench.set(group, attr, bench.roomy()) != null
          || bench.get(group, attr, bench.roomy()) != null) {
        return null;
      }
      byte[] value = bench.bytes(bench.roomy(), size);
      bench.put(bench.roomy(), value);
      if (bench.set(group, attr, bench.roomy()) != null
          || bench.get(group, attr, bench.roomy()) != null
          || !Arrays.equals(value, bench.bytes(bench.roomy(), size))) {
        return null;
      }
      values[i] = value;
    }
    return Arrays.equals(values[0], values[1]) ? null : values;
  }

  /** One thread: two set, two get. */
  private static @Nullable String hammer(
      Bench bench, int group, long attr, byte[][] values, int thread, int calls)
      throws KvmException {
    long struct = bench.memory().map(bench.areaBytes());
    long data = struct + 1024;
    bench.putAttr(struct, 0, group, attr, data);
    Request request = thread < 2 ? Request.SET_DEVICE_ATTR : Request.GET_DEVICE_ATTR;
    bench.put(data, values[thread % 2]);
    for (int call = 0; call < calls; call++) {
      if (bench.attempt(bench.device(), bench.number(request), struct) != null) {
        continue;
      }
      byte[] seen = bench.bytes(data, values[0].length);
      if (!Arrays.equals(seen, values[0]) && !Arrays.equals(seen, values[1])) {
        return "read " + Arrays.toString(seen) + ", which nobody wrote";
      }
    }
    return null;
  }
}
