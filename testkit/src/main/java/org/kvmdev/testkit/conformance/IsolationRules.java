package org.kvmdev.testkit.conformance;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.MmioBus;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;
import org.kvmdev.runtime.ioctl.Request;

/** Rules about what devices share, and what calls cost. */
final class IsolationRules {
  private static final int STEPS = 400;
  private static final int WARM = 12_000;
  private static final int WINDOW = 1_000;
  private static final int WINDOWS = 60;

  /** By when the compiler has been there, on a loaded machine too. */
  private static final int COMPILED_NANOS = 300_000_000;

  private static final int MOST_KEYS = 3;
  private static final int MOST_LINES = 16;
  private static final int MOST_TAKEN = 24;
  private static final int LOOKED_AT = 0x400;

  private static final int GROWTH_CALLS = 8_000;
  private static final int FEWEST_CALLS = 4_000;
  private static final int PHASES = 5;

  static final List<Rule> RULES =
      List.of(
          Rule.of(
              "R06",
              "two_vms_do_not_see_each_other",
              "Whatever is done with a device leaves a device of another VM as it was.",
              "A device belongs to one VM (struct kvm_device.kvm), and its state hangs on it"
                  + " (dev->private); a static field in a model is a hole between guests.",
              IsolationRules::twoVmsDoNotSeeEachOther),
          Rule.of(
              "R07",
              "same_calls_same_answers",
              "The same calls on a fresh VM are answered the same.",
              "A kernel's device answers from its state: recordings of it can be replayed, and"
                  + " failures repeated, only so.",
              IsolationRules::sameCallsSameAnswers),
          Rule.of(
              "R08",
              "accessors_do_not_allocate",
              "HAS, GET and SET of a number, once warm, allocate nothing.",
              "In the kernel a number of an accessor is on the stack (mpic_set_attr: u32 attr32)."
                  + " Here hot paths do not allocate, so that a VM's interrupts never wait for the"
                  + " collector.",
              IsolationRules::accessorsDoNotAllocate),
          Rule.of(
              "R12",
              "guest_accesses_do_not_allocate",
              "Loads and stores that the device takes, and lines, once warm, allocate nothing.",
              "As for accessors: these are what a guest waits for, each a VM exit in a kernel.",
              IsolationRules::guestAccessesDoNotAllocate),
          Rule.of(
              "R13",
              "memory_does_not_grow",
              "A device that has been used in every way takes no more memory when it is used so"
                  + " again and again.",
              "A VM runs for months. What a guest can make a kernel keep, it can exhaust; Linux"
                  + " charges a device's memory to its VM and bounds it.",
              IsolationRules::memoryDoesNotGrow));

  private IsolationRules() {}

  private static void twoVmsDoNotSeeEachOther(Subject subject, Findings findings) throws Exception {
    long seed = subject.options().seed();
    findings.remark("seed %#x", seed);
    try (Bench one = subject.bench();
        Bench other = subject.bench()) {
      String before = other.state();
      Activity activity = Activity.everywhere(subject, seed);
      for (int step = 0; step < STEPS; step++) {
        activity.step(one);
      }
      String after = other.state();
      findings.require(
          before.equals(after),
          subject.type(),
          "calls on one VM changed another: %s",
          Difference.of(before, after));
    }
  }

  private static void sameCallsSameAnswers(Subject subject, Findings findings) throws Exception {
    long seed = subject.options().seed();
    findings.remark("seed %#x", seed);
    List<String> first = transcript(subject, seed);
    List<String> second = transcript(subject, seed);
    for (int step = 0; step < STEPS; step++) {
      findings.require(
          first.get(step).equals(second.get(step)),
          subject.type(),
          "step %d: first \"%s\", then \"%s\"",
          step,
          first.get(step),
          second.get(step));
      if (!findings.isClean()) {
        return;
      }
    }
  }

  private static List<String> transcript(Subject subject, long seed) throws Exception {
    List<String> answers = new ArrayList<>();
    try (Bench bench = subject.bench()) {
      Activity activity = Activity.everywhere(subject, seed);
      for (int step = 0; step < STEPS; step++) {
        answers.add(activity.step(bench));
      }
    }
    return answers;
  }

  private static void accessorsDoNotAllocate(Subject subject, Findings findings) throws Exception {
    if (!(ManagementFactory.getThreadMXBean() instanceof ThreadMXBean threads)
        || !threads.isThreadAllocatedMemorySupported()) {
      throw new Findings.Skipped("this JVM does not tell what a thread allocates");
    }
    for (Attribute attribute : subject.type().attributes()) {
      if (attribute.size() > 8 || attribute.size() == 0) {
        continue;
      }
      for (long attr : subject.samples().of(attribute).stream().limit(MOST_KEYS).toList()) {
        requireNone(subject, threads, Request.HAS_DEVICE_ATTR, attribute, attr, findings);
        if (attribute.access().reads()) {
          requireNone(subject, threads, Request.GET_DEVICE_ATTR, attribute, attr, findings);
        }
        if (attribute.access().writes()) {
          requireNone(subject, threads, Request.SET_DEVICE_ATTR, attribute, attr, findings);
        }
      }
    }
    findings.requireExamined("no attribute is a number");
  }

  private static void requireNone(
      Subject subject,
      ThreadMXBean threads,
      Request request,
      Attribute attribute,
      long attr,
      Findings findings)
      throws Exception {
    try (Bench bench = subject.bench()) {
      int number = bench.number(request);
      bench.fill(bench.roomy(), attribute.size(), 0);
      bench.get(attribute.group().number(), attr, bench.roomy());
      bench.putAttr(bench.struct(), 0, attribute.group().number(), attr, bench.roomy());
      if (bench.attempt(bench.device(), number, bench.struct()) != null) {
        return;
      }
      long least = Long.MAX_VALUE;
      calls(bench, number, subject.options().times(WARM));
      long end = System.nanoTime() + subject.options().times(COMPILED_NANOS);
      for (int window = 0;
          least >= WINDOW && (window < WINDOWS || System.nanoTime() < end);
          window++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        calls(bench, number, WINDOW);
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
      }
      findings.require(
          least < WINDOW,
          attribute,
          "%s of %s allocates %d bytes",
          request,
          Words.call("attribute", attribute, attr),
          least / WINDOW);
    }
  }

  private static void calls(Bench bench, int number, int times) {
    for (int i = 0; i < times; i++) {
      bench.attempt(bench.device(), number, bench.struct());
    }
  }

  private static void guestAccessesDoNotAllocate(Subject subject, Findings findings)
      throws Exception {
    if (!(ManagementFactory.getThreadMXBean() instanceof ThreadMXBean threads)
        || !threads.isThreadAllocatedMemorySupported()) {
      throw new Findings.Skipped("this JVM does not tell what a thread allocates");
    }
    if (!subject.guestRuns()) {
      throw new Findings.Skipped("no guest can run with the device as it is brought up");
    }
    try (Bench bench = subject.bench()) {
      Vm vm = bench.typedVm();
      Vcpu vcpu = bench.typedVcpu(0);
      bench.run();
      List<Access> accesses = accesses(bench, vcpu);
      for (int line = 0; line < MOST_LINES; line++) {
        if (line(vm, line)) {
          int number = line;
          accesses.add(
              new Access(
                  "line %d".formatted(number),
                  () -> {
                    vm.irqLine(number, 1);
                    vm.irqLine(number, 0);
                  }));
        }
      }
      if (accesses.isEmpty()) {
        throw new Findings.Skipped("the device has neither registers on the bus nor lines");
      }
      findings.examine(subject.type());
      vcpu.enter();
      try {
        if (allocated(subject, threads, accesses, WARM) >= WINDOW) {
          for (Access each : accesses) {
            long bytes = allocated(subject, threads, List.of(each), WINDOW);
            findings.require(
                bytes < WINDOW, subject.type(), "%s allocates %d bytes", each.what, bytes / WINDOW);
          }
        }
      } finally {
        vcpu.exit();
      }
    }
  }

  /** One access, and what it is. */
  private record Access(String what, Action action) {}

  @FunctionalInterface
  private interface Action {
    void run() throws KvmException;
  }

  private static boolean line(Vm vm, int number) {
    try {
      vm.irqLine(number, 0);
      return true;
    } catch (KvmException refusal) {
      return false;
    }
  }

  /** Loads and stores that the device takes: some of each region. */
  private static List<Access> accesses(Bench bench, Vcpu vcpu) throws KvmException {
    List<Access> accesses = new ArrayList<>();
    vcpu.enter();
    try {
      for (MmioBus.Region region : bench.typedVm().machine().mmio().regions()) {
        int found = 0;
        for (long offset = 0;
            offset < Math.min(LOOKED_AT, region.size()) && found < MOST_TAKEN;
            offset += 4) {
          for (int size = 4; size <= 8; size += 4) {
            long address = region.base() + offset;
            int bytes = size;
            if (offset % size != 0 || offset + size > region.size()) {
              continue;
            }
            vcpu.read(address, size);
            if (!vcpu.exited()) {
              found++;
              accesses.add(
                  new Access(
                      "a load of %d bytes at %#x".formatted(size, address),
                      () -> vcpu.read(address, bytes)));
            }
            vcpu.write(address, size, 0);
            if (!vcpu.exited()) {
              accesses.add(
                  new Access(
                      "a store of %d bytes at %#x".formatted(size, address),
                      () -> vcpu.write(address, bytes, 0)));
            }
          }
        }
      }
    } finally {
      vcpu.exit();
    }
    return accesses;
  }

  /** The fewest bytes that a window of calls allocates. */
  private static long allocated(
      Subject subject, ThreadMXBean threads, List<Access> accesses, int warm) throws KvmException {
    long least = Long.MAX_VALUE;
    calls(accesses, subject.options().times(warm));
    long end = System.nanoTime() + subject.options().times(COMPILED_NANOS);
    for (int window = 0;
        least >= WINDOW && (window < WINDOWS || System.nanoTime() < end);
        window++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      calls(accesses, WINDOW);
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
    }
    return least;
  }

  private static void calls(List<Access> accesses, int times) throws KvmException {
    for (int i = 0; i < times; i++) {
      accesses.get(i % accesses.size()).action.run();
    }
  }

  private static void memoryDoesNotGrow(Subject subject, Findings findings) throws Exception {
    long seed = subject.options().seed();
    findings.remark("seed %#x", seed);
    int calls = Math.max(FEWEST_CALLS, subject.options().times(GROWTH_CALLS));
    try (Bench bench = subject.bench()) {
      findings.examine(subject.type());
      use(subject, bench, seed, calls);
      long first = used();
      long before = first;
      for (int phase = 0; phase < PHASES; phase++) {
        // The same calls each time: what they leave behind is there already.
        use(subject, bench, seed, calls);
        long now = used();
        if (now - before < calls) {
          return;
        }
        before = now;
      }
      findings.violation(
          subject.type(),
          "each of %d times %d calls of all kinds left more behind, in all %d bytes",
          PHASES,
          calls,
          before - first);
    }
  }

  private static void use(Subject subject, Bench bench, long seed, int calls) {
    Activity activity = Activity.everywhere(subject, seed);
    for (int call = 0; call < calls; call++) {
      activity.step(bench);
    }
  }

  /** How much memory is in use, once garbage is collected. */
  private static long used() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }
}
