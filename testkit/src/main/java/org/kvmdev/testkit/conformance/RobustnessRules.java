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
import org.kvmdev.api.machine.Routing;
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
              "A guest must not bring its hypervisor down. What no device on the bus takes"
                  + " (kvm_io_bus_read: EOPNOTSUPP) goes to user space, as KVM_EXIT_MMIO.",
              RobustnessRules::guestAccessesNeverFail),
          Rule.of(
              "R03",
              "lines_and_messages_never_fail",
              "KVM_IRQ_LINE, KVM_SIGNAL_MSI and hypercalls with any numbers are answered or"
                  + " refused.",
              "The kernel hands irq and level on as they are (kvm_vm_ioctl_irq_line): they reach"
                  + " the device's ports with numbers that nobody has checked.",
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
              RobustnessRules::parallelCallsLeaveNoTornState),
          Rule.of(
              "R11",
              "ports_never_fail",
              "System registers, vCPU registers, capabilities, a family's own requests, routes and"
                  + " taking the interrupt, with any numbers, are answered or refused.",
              "They come from a guest's instructions and a client's ioctls (KVM_SET_ONE_REG,"
                  + " KVM_ENABLE_CAP, KVM_SET_GSI_ROUTING), and nobody has checked them before.",
              RobustnessRules::portsNeverFail));

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
      int raced = 0;
      for (long attr : subject.samples().of(attribute)) {
        if (raced < 2 && race(subject, attribute, attr, findings)) {
          raced++;
        }
      }
    }
    findings.requireExamined("no attribute reads back what was written");
  }

  /** Races for one number; false where its value cannot tell. */
  private static boolean race(Subject subject, Attribute attribute, long attr, Findings findings)
      throws Exception {
    Journal journal = new Journal();
    int group = attribute.group().number();
    int size = attribute.size();
    try (Bench bench = subject.bench(journal)) {
      byte[][] values = values(bench, attribute, attr);
      if (values == null) {
        return false;
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
      return true;
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

  private static void portsNeverFail(Subject subject, Findings findings) throws Exception {
    long seed = subject.options().seed();
    findings.remark("seed %#x", seed);
    Random random = new Random(seed);
    Activity activity = Activity.everywhere(subject, seed);
    PluggedPorts ports = subject.ports();
    boolean runs = subject.guestRuns();
    Bench bench = subject.bench();
    long start = System.nanoTime();
    try {
      findings.examine(subject.type());
      for (int call = 0;
          call < subject.options().times(CALLS / 4)
              && findings.isClean()
              && System.nanoTime() - start < LONGEST_NANOS;
          call++) {
        String answer =
            switch (random.nextInt(runs ? 7 : 5)) {
              case 0 -> register(bench, ports, random);
              case 1 -> capability(bench, random);
              case 2 -> request(bench, ports, random);
              case 3 -> routes(bench, random);
              case 4 -> random.nextInt(64) == 0 ? vcpu(bench, random) : extension(bench, random);
              case 5 ->
                  ports.systemRegisters().isEmpty()
                      ? extension(bench, random)
                      : activity.systemRegister(bench);
              default -> activity.take(bench);
            };
        if (!bench.typedVm().isDead()) {
          requireAlive(bench, answer, findings);
          continue;
        }
        // A first run that is refused ends the VM, as it should.
        bench.close();
        bench = subject.bench();
      }
    } finally {
      bench.close();
    }
  }

  private static String register(Bench bench, PluggedPorts ports, Random random)
      throws KvmException {
    long id =
        ports.registers().isEmpty() || random.nextInt(8) == 0
            ? random.nextLong()
            : ports.registers().get(random.nextInt(ports.registers().size()));
    if (random.nextInt(8) == 0) {
      id ^= 1L << random.nextInt(64);
    }
    Request request = random.nextBoolean() ? Request.GET_ONE_REG : Request.SET_ONE_REG;
    noise(bench, random);
    bench.memory().writeNumber(bench.struct(), 8, id);
    bench.memory().writeNumber(bench.struct() + 8, 8, address(bench, random));
    int fd = bench.vcpu(random.nextInt(bench.vcpuCount()));
    return "%s of register %#x answers %s"
        .formatted(
            request, id, Words.answer(bench.attempt(fd, bench.number(request), bench.struct())));
  }

  private static String capability(Bench bench, Random random) throws KvmException {
    int capability = random.nextInt(8) == 0 ? random.nextInt() : random.nextInt(256);
    boolean ofVm = random.nextInt(4) == 0;
    long[] arguments = new long[4];
    for (int i = 0; i < arguments.length; i++) {
      arguments[i] =
          switch (random.nextInt(4)) {
            case 0 -> bench.device();
            case 1 -> random.nextInt(4);
            case 2 -> random.nextLong();
            default -> 0;
          };
    }
    bench.fill(bench.struct(), 104, 0);
    bench.memory().writeNumber(bench.struct(), 4, capability);
    for (int i = 0; i < arguments.length; i++) {
      bench.memory().writeNumber(bench.struct() + 8 + 8L * i, 8, arguments[i]);
    }
    int fd = ofVm ? bench.vm() : bench.vcpu(random.nextInt(bench.vcpuCount()));
    Request request = ofVm ? Request.ENABLE_CAP_VM : Request.ENABLE_CAP;
    return "%s of %d with %s answers %s"
        .formatted(
            request,
            capability,
            Arrays.toString(arguments),
            Words.answer(bench.attempt(fd, bench.number(request), bench.struct())));
  }

  private static String request(Bench bench, PluggedPorts ports, Random random) {
    boolean ofVm = random.nextBoolean();
    List<Integer> own = ofVm ? ports.vmRequests() : ports.vcpuRequests();
    int request =
        own.isEmpty() ? 0xae00 | random.nextInt(256) : own.get(random.nextInt(own.size()));
    noise(bench, random);
    long argument = random.nextInt(4) == 0 ? random.nextInt(16) : address(bench, random);
    int fd = ofVm ? bench.vm() : bench.vcpu(random.nextInt(bench.vcpuCount()));
    return "request %#x on a %s with %#x answers %s"
        .formatted(
            request,
            ofVm ? "VM" : "vCPU",
            argument,
            Words.answer(bench.attempt(fd, request, argument)));
  }

  private static String routes(Bench bench, Random random) {
    List<Routing.Route> routes = new ArrayList<>();
    for (int i = random.nextInt(4); i >= 0; i--) {
      int gsi = random.nextInt(8) == 0 ? random.nextInt() : random.nextInt(64);
      int pin = random.nextInt(8) == 0 ? random.nextInt() : random.nextInt(300);
      routes.add(
          random.nextBoolean()
              ? new Routing.Route.Pin(gsi, random.nextInt(8) == 0 ? random.nextInt() : 0, pin)
              : new Routing.Route.Message(gsi, random.nextLong(), pin, pin, random.nextInt(2)));
    }
    try {
      bench.typedVm().setGsiRouting(routes);
      return line(bench.typedVm(), routes.getFirst().gsi(), random.nextInt(2));
    } catch (KvmException refusal) {
      return "routes %s answer %s".formatted(routes, refusal.errno());
    }
  }

  private static String extension(Bench bench, Random random) {
    int capability = random.nextInt(8) == 0 ? random.nextInt() : random.nextInt(256);
    return "KVM_CHECK_EXTENSION of %d answers %s"
        .formatted(
            capability,
            Words.answer(
                bench.attempt(bench.vm(), bench.number(Request.CHECK_EXTENSION), capability)));
  }

  private static String vcpu(Bench bench, Random random) {
    int id = random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(64);
    return "KVM_CREATE_VCPU %d answers %s"
        .formatted(
            id, Words.answer(bench.attempt(bench.vm(), bench.number(Request.CREATE_VCPU), id)));
  }

  private static void noise(Bench bench, Random random) {
    byte[] noise = new byte[128];
    random.nextBytes(noise);
    bench.put(bench.roomy(), noise);
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
