package org.kvmdev.testkit.conformance;

import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Completeness;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Snapshot;

/** Rules about saving and restoring what a type declares as its state. */
final class StateRules {
  private static final int ROUNDS = 8;
  private static final int STEPS = 40;

  static final List<Rule> RULES =
      List.of(
          Rule.of(
              "S01",
              "saving_changes_nothing",
              "A type that declares state enumerates some, all of it can be read, and saving twice"
                  + " gives the same.",
              "Migration saves while the guest is stopped and may go on where it fails; the state"
                  + " is read by the same GETs that clients use.",
              StateRules::savingChangesNothing),
          Rule.of(
              "S02",
              "state_writes_back",
              "What was saved can be written back into the same VM, which then saves the same.",
              "Each value is a declared attribute: it reads, and writes back by its access, in the"
                  + " order in which it is enumerated.",
              StateRules::stateWritesBack),
          Rule.of(
              "S03",
              "state_moves_to_a_fresh_vm",
              "After any SETs of its values, a state restored into a fresh VM that was made alike"
                  + " saves the same.",
              "QEMU and Firecracker migrate a controller so: read in order here, write in order"
                  + " there.",
              (subject, findings) -> moves(subject, findings, false)),
          Rule.of(
              "S04",
              "state_moves_in_the_midst_of_activity",
              "As S03, after lines, messages, loads and stores too.",
              "A guest is not quiet when it is migrated: interrupts are pending, active and in"
                  + " service.",
              (subject, findings) -> moves(subject, findings, true)),
          Rule.of(
              "S05",
              "restore_into_another_shape_is_refused_first",
              "A VM with more vCPUs, or without the device, refuses the state with EINVAL, and"
                  + " nothing of it was written.",
              "Half a state is worse than none: a client must be able to go back. In a kernel such"
                  + " a restore fails in its midst, at the first SET that names what is not there:"
                  + " a vCPU's registers by an unknown MPIDR are EINVAL, with the rest half"
                  + " written.",
              StateRules::restoreIntoAnotherShapeIsRefusedFirst),
          Rule.of(
              "S06",
              "complete_state_goes_on_alike",
              "Where the state is declared complete, a restored VM answers all that follows as the"
                  + " saved one.",
              "The guest must not notice that it was migrated.",
              StateRules::completeStateGoesOnAlike));

  private StateRules() {}

  private static void requireState(Subject subject) throws Findings.Skipped {
    if (!subject.declaresState()) {
      throw new Findings.Skipped("the type declares that it enumerates no state");
    }
  }

  private static void savingChangesNothing(Subject subject, Findings findings) throws Exception {
    requireState(subject);
    try (Bench bench = subject.bench()) {
      Snapshot first = bench.typedVm().save();
      Snapshot second = bench.typedVm().save();
      requireEqual(first, second, "saving twice", findings, subject.type());
      boolean told =
          first.toString().lines().anyMatch(l -> l.startsWith("value") || l.startsWith("register"));
      findings.require(
          told,
          subject.type(),
          "the state is declared %s, and nothing is enumerated; plug in a StateSource",
          subject.type().completeness());
    }
  }

  private static void requireEqual(
      Snapshot before, Snapshot after, String when, Findings findings, DeviceType type) {
    findings.require(
        before.equals(after),
        type,
        "%s differs: %s",
        when,
        Difference.of(before.toString(), after.toString()));
  }

  private static void stateWritesBack(Subject subject, Findings findings) throws Exception {
    requireState(subject);
    try (Bench bench = subject.bench()) {
      Snapshot saved = bench.typedVm().save();
      bench.typedVm().restore(saved);
      requireEqual(
          saved, bench.typedVm().save(), "saving after writing back", findings, subject.type());
    }
  }

  private static void moves(Subject subject, Findings findings, boolean active) throws Exception {
    requireState(subject);
    int moved = 0;
    for (int round = 0; round < ROUNDS && findings.isClean(); round++) {
      long seed = subject.options().seed() + round;
      try (Bench from = subject.bench();
          Bench to = subject.restoreTarget(subject.options().vcpus())) {
        Snapshot saved = busy(subject, from, seed, active);
        if (saved == null || !isAlike(saved, to)) {
          continue;
        }
        moved++;
        restore(to, saved, subject, findings, seed);
        requireEqual(
            saved,
            to.typedVm().save(),
            "the restored state (seed %#x)".formatted(seed),
            findings,
            subject.type());
      }
    }
    findings.require(
        moved > 0, subject.type(), "in none of %d rounds could the state be saved", ROUNDS);
  }

  /** Does something with a device, and saves it; null where it cannot be saved now. */
  private static @Nullable Snapshot busy(Subject subject, Bench bench, long seed, boolean active)
      throws KvmException {
    List<SavedValue> values = SavedValue.of(bench.typedVm().save(), subject.type());
    Activity activity = Activity.onState(subject, seed, values);
    for (int step = 0; step < STEPS; step++) {
      if (active) {
        activity.step(bench);
      } else {
        activity.set(bench);
      }
    }
    try {
      return bench.typedVm().save();
    } catch (KvmException refusal) {
      return null;
    }
  }

  private static void restore(
      Bench bench, Snapshot saved, Subject subject, Findings findings, long seed) {
    try {
      bench.typedVm().restore(saved);
    } catch (KvmException refusal) {
      findings.violation(
          subject.type(), "restoring is refused (seed %#x): %s", seed, refusal.getMessage());
    }
  }

  /** Whether what was done with the saved VM has left its shape as a fresh one's. */
  private static boolean isAlike(Snapshot saved, Bench fresh) {
    try {
      return shape(saved).equals(shape(fresh.typedVm().save()));
    } catch (KvmException refusal) {
      // One that cannot be saved before it is restored into tells when it is.
      return true;
    }
  }

  private static String shape(Snapshot snapshot) {
    return snapshot
        .toString()
        .lines()
        .filter(line -> line.startsWith("shape"))
        .collect(Collectors.joining("\n"));
  }

  private static void restoreIntoAnotherShapeIsRefusedFirst(Subject subject, Findings findings)
      throws Exception {
    requireState(subject);
    int more = subject.options().vcpus() + 1;
    try (Bench from = subject.bench();
        Bench empty = subject.bareBench()) {
      List<SavedValue> values = SavedValue.of(from.typedVm().save(), subject.type());
      Activity activity = Activity.onState(subject, subject.options().seed(), values);
      for (int step = 0; step < STEPS; step++) {
        activity.set(from);
      }
      Snapshot saved = from.typedVm().save();
      requireRefused(saved, empty, "without the device", findings, subject.type());
      if (more <= subject.host().number("vcpus.max", Long.MAX_VALUE)) {
        try (Bench to = subject.restoreTarget(more)) {
          String before = to.state();
          requireRefused(saved, to, "of %d vCPUs".formatted(more), findings, subject.type());
          String after = to.state();
          findings.require(
              before.equals(after),
              subject.type(),
              "a refused restore changed the VM: %s",
              Difference.of(before, after));
        }
      }
    }
  }

  private static void requireRefused(
      Snapshot saved, Bench to, String shape, Findings findings, DeviceType type)
      throws KvmException {
    Errno errno = null;
    try {
      to.typedVm().restore(saved);
    } catch (KvmException refusal) {
      errno = refusal.errno();
    }
    findings.require(
        errno == Errno.EINVAL,
        type,
        "restoring into a VM %s answers %s, expected EINVAL",
        shape,
        Words.answer(errno));
  }

  private static void completeStateGoesOnAlike(Subject subject, Findings findings)
      throws Exception {
    if (subject.type().completeness() != Completeness.COMPLETE) {
      throw new Findings.Skipped("the type does not declare its state complete");
    }
    for (int round = 0; round < ROUNDS && findings.isClean(); round++) {
      long seed = subject.options().seed() + 100 + round;
      try (Bench one = subject.bench();
          Bench other = subject.restoreTarget(subject.options().vcpus())) {
        Snapshot saved = busy(subject, one, seed, true);
        if (saved == null || !isAlike(saved, other)) {
          continue;
        }
        restore(other, saved, subject, findings, seed);
        if (subject.guestRuns()) {
          // Some devices go on the bus when a guest first runs; both are then there.
          one.run();
          other.run();
        }
        Activity first = Activity.everywhere(subject, seed);
        Activity second = Activity.everywhere(subject, seed);
        for (int step = 0; step < 5 * STEPS && findings.isClean(); step++) {
          String here = first.step(one);
          String there = second.step(other);
          findings.require(
              here.equals(there),
              subject.type(),
              "step %d after restoring (seed %#x): \"%s\" in the saved VM, \"%s\" in the restored",
              step,
              seed,
              here,
              there);
        }
      }
    }
    findings.requireExamined("in no round could the state be saved");
  }
}
