package org.kvmdev.testkit.conformance;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.kvmdev.api.Attribute;
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

  static final List<Rule> RULES =
      List.of(
          Rule.of(
              "R06",
              "two_vms_do_not_see_each_other",
              "Whatever is done with a device leaves a device of another VM as it was.",
              "A VM's device is the VM's; a static field in a model is a hole between guests.",
              IsolationRules::twoVmsDoNotSeeEachOther),
          Rule.of(
              "R07",
              "same_calls_same_answers",
              "The same calls on a fresh VM are answered the same.",
              "Recordings can be replayed, and failures repeated, only so.",
              IsolationRules::sameCallsSameAnswers),
          Rule.of(
              "R08",
              "accessors_do_not_allocate",
              "HAS, GET and SET of a number, once warm, allocate nothing.",
              "Hot paths do not allocate, so that a VM's interrupts never wait for the collector.",
              IsolationRules::accessorsDoNotAllocate));

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
}
