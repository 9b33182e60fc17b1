package org.kvmdev.testkit.conformance;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.MmioBus;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.ioctl.Request;

/** Rules about calls that have to come back. */
final class LivenessRules {
  private static final int MOST_KEYS = 8;
  private static final int SMALL = 16;
  private static final int SIZES = 4;
  private static final int REGISTER_BYTES = 0x100;
  private static final int FAR_OFFSETS = 16;

  /** How long threads call at once. */
  private static final int AT_ONCE_NANOS = 300_000_000;

  private static final int MOST_CALLS = 20_000;

  private static final List<Request> ACCESSORS =
      List.of(Request.HAS_DEVICE_ATTR, Request.GET_DEVICE_ATTR, Request.SET_DEVICE_ATTR);

  static final List<Rule> RULES =
      List.of(
          Rule.of(
              "R09",
              "every_call_returns",
              "Accessors, lines, messages, loads, stores, hypercalls and the VM's end return,"
                  + " whatever the number, the value and its sign: 0, -1, the largest, the"
                  + " smallest.",
              "A guest or a client chooses the numbers; a loop whose bound is one of them holds a"
                  + " kernel's CPU. Linux bounds such loops by the device's own sizes.",
              LivenessRules::everyCallReturns),
          Rule.of(
              "R10",
              "calls_of_all_kinds_at_once_return",
              "While one thread sets and gets, others drive lines and messages, run each vCPU's"
                  + " guest and save: all come back, and nothing but refusals leaves the device.",
              "Ioctls, irqfds and vCPUs run at once in a kernel; it takes a device's locks in one"
                  + " order, and lockdep tells where it does not.",
              LivenessRules::callsOfAllKindsAtOnceReturn));

  private LivenessRules() {}

  /** One call, and what it is. */
  private record Call(String what, Action action) {}

  @FunctionalInterface
  private interface Action {
    void run() throws KvmException;
  }

  private static void everyCallReturns(Subject subject, Findings findings) throws Exception {
    Bench bench = subject.bench();
    List<Call> calls = calls(subject, bench);
    calls.add(new Call("the VM's end", bench::close));
    findings.examine(subject.type());
    int[] at = new int[1];
    CountDownLatch done = new CountDownLatch(1);
    Thread thread =
        Thread.ofPlatform()
            .daemon()
            .name("conformance caller")
            .start(
                () -> {
                  for (Call call : calls) {
                    attempt(call);
                    synchronized (at) {
                      at[0]++;
                    }
                  }
                  done.countDown();
                });
    long limit = subject.options().timeLimit().toMillis() / 4;
    int before = -1;
    while (!done.await(limit, TimeUnit.MILLISECONDS)) {
      int now;
      synchronized (at) {
        now = at[0];
      }
      if (now == before) {
        findings.hangs(
            subject.type(),
            "%s has not returned after %d ms; it is at %s",
            calls.get(now).what,
            limit,
            Conformance.where(thread));
        return;
      }
      before = now;
    }
  }

  /** What it answers, or throws, is other rules'. */
  private static void attempt(Call call) {
    try {
      call.action.run();
    } catch (KvmException | RuntimeException | Error e) {
      // It came back.
    }
  }

  private static List<Call> calls(Subject subject, Bench bench) throws KvmException {
    List<Call> calls = new ArrayList<>();
    for (Attribute attribute : subject.type().attributes()) {
      accessors(subject, bench, attribute, calls);
    }
    int[] numbers = {0, 1, 31, 32, 1023, -1, Integer.MAX_VALUE, Integer.MIN_VALUE};
    for (int number : numbers) {
      for (int level : new int[] {1, 0, -1, Integer.MAX_VALUE}) {
        calls.add(
            new Call(
                "line %#x level %#x".formatted(number, level),
                () -> bench.typedVm().irqLine(number, level)));
      }
      for (long address : new long[] {0, -1, Long.MAX_VALUE, Long.MIN_VALUE}) {
        calls.add(
            new Call(
                "message %#x at %#x".formatted(number, address),
                () -> bench.typedVm().signalMsi(address, number, number, number & 1)));
      }
    }
    if (subject.guestRuns()) {
      bench.run();
      guest(subject, bench, calls);
    }
    return calls;
  }

  private static void accessors(
      Subject subject, Bench bench, Attribute attribute, List<Call> calls) {
    int group = attribute.group().number();
    for (long attr : subject.samples().of(attribute).stream().limit(MOST_KEYS).toList()) {
      calls.add(new Call(Words.call("HAS", attribute, attr), () -> bench.has(group, attr)));
      calls.add(
          new Call(
              Words.call("GET", attribute, attr), () -> bench.get(group, attr, bench.roomy())));
      for (long value : extremes(attribute.size())) {
        calls.add(
            new Call(
                Words.call("SET", attribute, attr) + " to %#x".formatted(value),
                () -> {
                  bench.fill(bench.roomy(), attribute.size(), 0);
                  bench.memory().writeNumber(bench.roomy(), Math.min(8, attribute.size()), value);
                  bench.set(group, attr, bench.roomy());
                }));
      }
    }
  }

  /** The numbers of a size at which loops and shifts go wrong, and the small ones. */
  private static List<Long> extremes(int size) {
    if (size == 0) {
      return List.of(0L);
    }
    long largest = -1L >>> 65 - 8 * Math.min(8, size);
    List<Long> numbers = new ArrayList<>();
    for (long small = 0; small <= SMALL; small++) {
      numbers.add(small);
    }
    for (long bound : new long[] {largest, Integer.MAX_VALUE, 0xffff, 0xff}) {
      numbers.add(bound);
      numbers.add(bound + 1);
    }
    numbers.add(-1L);
    return numbers;
  }

  private static void guest(Subject subject, Bench bench, List<Call> calls) throws KvmException {
    for (MmioBus.Region region : bench.typedVm().machine().mmio().regions()) {
      List<Long> offsets = new ArrayList<>();
      for (long offset = 0; offset < Math.min(REGISTER_BYTES, region.size()); offset += SIZES) {
        offsets.add(offset);
      }
      for (int i = 0; i < FAR_OFFSETS; i++) {
        offsets.add(region.size() / FAR_OFFSETS * i & -8L);
      }
      for (long offset : offsets) {
        for (int size : new int[] {4, 8}) {
          if (offset % size == 0 && offset + size <= region.size()) {
            mmio(bench, region.base() + offset, size, calls);
          }
        }
      }
    }
    for (int number : subject.ports().hypercalls()) {
      for (long argument : new long[] {0, -1, Long.MAX_VALUE, Integer.MAX_VALUE}) {
        long[] registers = new long[16];
        Arrays.fill(registers, argument);
        calls.add(
            new Call(
                "hypercall %#x with %#x".formatted(number, argument),
                () -> inGuest(bench, vcpu -> vcpu.hypercall(number, registers))));
      }
    }
    for (String name : subject.ports().systemRegisters()) {
      for (long value : new long[] {0, -1, Long.MAX_VALUE, Integer.MAX_VALUE}) {
        calls.add(
            new Call(
                "a write of %#x to %s".formatted(value, name),
                () ->
                    inGuest(
                        bench, vcpu -> vcpu.write(bench.typedVm().systemRegister(name), value))));
      }
    }
  }

  private static void mmio(Bench bench, long address, int size, List<Call> calls) {
    calls.add(
        new Call(
            "a load of %d bytes at %#x".formatted(size, address),
            () -> inGuest(bench, vcpu -> vcpu.read(address, size))));
    for (long value : new long[] {-1, Integer.MAX_VALUE, 0}) {
      calls.add(
          new Call(
              "a store of %#x, %d bytes, at %#x".formatted(value, size, address),
              () -> inGuest(bench, vcpu -> vcpu.write(address, size, value))));
    }
  }

  @FunctionalInterface
  private interface InGuest {
    void run(Vcpu vcpu) throws KvmException;
  }

  private static void inGuest(Bench bench, InGuest action) throws KvmException {
    Vcpu vcpu = bench.typedVcpu(0);
    vcpu.enter();
    try {
      action.run(vcpu);
    } finally {
      vcpu.exit();
    }
  }

  private static void callsOfAllKindsAtOnceReturn(Subject subject, Findings findings)
      throws Exception {
    long seed = subject.options().seed();
    findings.remark("seed %#x", seed);
    Bench bench = subject.bench();
    boolean runs = subject.guestRuns();
    if (runs) {
      bench.run();
    }
    List<Caller> callers = new ArrayList<>();
    callers.add(accessing(subject, bench, seed));
    callers.add(driving(subject, bench, seed + 1));
    for (int id = 0; runs && id < bench.vcpuCount(); id++) {
      callers.add(running(subject, bench, seed + 2 + id, id));
    }
    if (subject.declaresState()) {
      callers.add(saving(bench));
    }
    findings.examine(subject.type());
    long end = System.nanoTime() + subject.options().times(AT_ONCE_NANOS);
    List<Running> all = new ArrayList<>();
    for (Caller caller : callers) {
      all.add(new Running(caller, end));
    }
    long limit = subject.options().timeLimit().toMillis() / 2;
    List<Running> stuck = new ArrayList<>();
    for (Running each : all) {
      if (!each.done.await(stuck.isEmpty() ? limit : 1, TimeUnit.MILLISECONDS)) {
        stuck.add(each);
      }
      if (each.fault != null) {
        findings.violation(subject.type(), "%s", each.fault);
      }
    }
    if (stuck.isEmpty()) {
      bench.close();
      return;
    }
    findings.hangs(
        subject.type(),
        "after %d ms, threads that called at once have not returned: %s",
        limit,
        stuck.stream()
            .map(each -> each.caller.what + " at " + Conformance.where(each.thread))
            .collect(Collectors.joining("; ")));
  }

  /** What one of the threads does, again and again; a text tells what went wrong. */
  private record Caller(String what, Step step) {}

  @FunctionalInterface
  private interface Step {
    @Nullable String run() throws KvmException;
  }

  /** A thread that makes its calls until the time is over. */
  private static final class Running {
    final Caller caller;
    final CountDownLatch done = new CountDownLatch(1);
    final Thread thread;
    private volatile @Nullable String fault;

    Running(Caller caller, long end) {
      this.caller = caller;
      thread =
          Thread.ofPlatform()
              .daemon()
              .name("conformance caller")
              .start(
                  () -> {
                    for (int i = 0; i < MOST_CALLS && System.nanoTime() < end; i++) {
                      try {
                        fault = caller.step.run();
                      } catch (KvmException refusal) {
                        fault = refusal.errno() == Errno.EIO ? caller.what + ": EIO" : null;
                      } catch (RuntimeException | Error e) {
                        fault = caller.what + ": " + e;
                      }
                      if (fault != null) {
                        break;
                      }
                    }
                    done.countDown();
                  });
    }
  }

  private static Caller accessing(Subject subject, Bench bench, long seed) throws KvmException {
    Random random = new Random(seed);
    List<Attribute> attributes = subject.type().attributes();
    long struct = bench.memory().map(bench.areaBytes());
    long data = struct + 1024;
    return new Caller(
        "an accessor",
        () -> {
          if (attributes.isEmpty()) {
            return null;
          }
          Attribute attribute = attributes.get(random.nextInt(attributes.size()));
          List<Long> keys = subject.samples().of(attribute);
          if (keys.isEmpty()) {
            return null;
          }
          long attr = keys.get(random.nextInt(keys.size()));
          byte[] value = new byte[attribute.size()];
          random.nextBytes(value);
          bench.put(data, value);
          Request request = ACCESSORS.get(random.nextInt(ACCESSORS.size()));
          bench.putAttr(struct, 0, attribute.group().number(), attr, data);
          Errno errno = bench.attempt(bench.device(), bench.number(request), struct);
          return errno == Errno.EIO
              ? Words.call(request.name(), attribute, attr) + " answers EIO"
              : null;
        });
  }

  private static Caller driving(Subject subject, Bench bench, long seed) {
    Activity activity = Activity.everywhere(subject, seed);
    return new Caller(
        "a line or a message",
        () -> {
          String line = activity.line(bench);
          return fault(line.endsWith("EIO") ? line : activity.message(bench));
        });
  }

  private static Caller running(Subject subject, Bench bench, long seed, int id) {
    Activity activity = Activity.everywhere(subject, seed);
    return new Caller("the guest of vCPU " + id, () -> fault(activity.guest(bench, id)));
  }

  private static Caller saving(Bench bench) {
    return new Caller(
        "saving",
        () -> {
          bench.typedVm().save();
          return null;
        });
  }

  private static @Nullable String fault(String answer) {
    return answer.endsWith("EIO") ? answer : null;
  }
}
