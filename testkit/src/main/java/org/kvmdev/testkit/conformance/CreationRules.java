package org.kvmdev.testkit.conformance;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.InstanceLimit;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Lifetime;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.runtime.ioctl.Request;

/** Rules about KVM_CREATE_DEVICE. */
final class CreationRules {
  /** Of a type without a limit, so many are made. */
  private static final int SEVERAL = 3;

  private static final int UNKNOWN_TYPE = 0x3fff_ff00;
  private static final int FLAG_NOBODY_DEFINED = 0x80;
  private static final int TEST = 1;

  static final Rule IS_CREATED =
      Rule.of(
          "C01",
          "is_created",
          "KVM_CREATE_DEVICE makes one device, tells it once to initialise, and answers a file"
              + " descriptor with the declared name; it can be brought up.",
          "kvm_ioctl_create_device: create, then init, then the file anon_inode:NAME,"
              + " close-on-exec.",
          CreationRules::isCreated);

  static final List<Rule> RULES =
      List.of(
          IS_CREATED,
          Rule.of(
              "C02",
              "test_makes_nothing",
              "KVM_CREATE_DEVICE_TEST answers whether there is the type, whatever exists; it makes"
                  + " nothing and leaves the structure as it was.",
              "Documentation/virt/kvm/api.rst 4.79. Recorded: the fd field keeps its value, also"
                  + " where the test is refused, and the test of a type that cannot be made a"
                  + " second time is 0.",
              CreationRules::testMakesNothing),
          Rule.of(
              "C03",
              "unknown_creation_flags_are_ignored",
              "Flags other than KVM_CREATE_DEVICE_TEST do nothing.",
              "The kernel does not look at them. Recorded: 0x80 creates, 0x81 tests.",
              CreationRules::unknownCreationFlagsAreIgnored),
          Rule.of(
              "C04",
              "one_too_many_is_refused_as_declared",
              "As many devices can be made as declared; one more of any type of the exclusion group"
                  + " answers the declared errno, and leaves fd as it was.",
              "The errno is each device's own: EEXIST (VGIC, XICS), EINVAL (MPIC), EBUSY (VFIO). A"
                  + " device that lives until its VM's end still counts when its file is closed.",
              CreationRules::oneTooManyIsRefusedAsDeclared),
          Rule.of(
              "C05",
              "created_under_the_vm_lock_initialised_outside",
              "Creation holds the VM's lock, so that two cannot race; init does not.",
              "Since Linux 4.8 create runs under kvm->lock, and init after it without.",
              CreationRules::createdUnderTheVmLockInitialisedOutside),
          Rule.of(
              "C06",
              "threads_race_for_no_more_than_the_limit",
              "Several threads that create at once make as many devices as declared, and every"
                  + " other one is refused as declared.",
              "Recorded: of 4 threads that raced to make a VFIO device in each of 40 VMs, one"
                  + " succeeded in each.",
              CreationRules::threadsRaceForNoMoreThanTheLimit));

  private CreationRules() {}

  private static void isCreated(Subject subject, Findings findings) throws Exception {
    Journal journal = new Journal();
    DeviceType type = subject.type();
    try (Bench bench = subject.rawBench(journal)) {
      String name = bench.process().fileName(bench.device());
      findings.require(
          name.equals("anon_inode:" + type.fileName()), type, "the file is called %s", name);
      findings.require(
          journal.count("create") == 1 && journal.count("init") == 1,
          type,
          "the provider was asked %s",
          journal.events());
      subject.options().bringUp().bringUp(bench);
      journal.faults().forEach(fault -> findings.violation(type, "%s", fault));
    }
  }

  private static void testMakesNothing(Subject subject, Findings findings) throws Exception {
    Journal journal = new Journal();
    DeviceType type = subject.type();
    try (Bench bench = subject.emptyBench(journal)) {
      requireTested(bench, type.number(), null, findings, "before any device");
      findings.require(
          journal.events().isEmpty(), type, "the test made a device: %s", journal.events());
      bench.create();
      requireTested(bench, type.number(), null, findings, "with a device");
      requireTested(bench, UNKNOWN_TYPE, Errno.ENODEV, findings, "of a type that nobody has");
      findings.require(
          journal.count("create") == 1, type, "the test made a device: %s", journal.events());
    }
  }

  private static void requireTested(
      Bench bench, int number, @Nullable Errno expected, Findings findings, String when)
      throws KvmException {
    bench.putCreate(bench.struct(), number, TEST);
    byte[] before = bench.bytes(bench.struct(), bench.createBytes());
    Errno errno = bench.tryTest(number);
    findings.require(
        errno == expected,
        bench.type(),
        "the test answers %s %s, expected %s",
        Words.answer(errno),
        when,
        Words.answer(expected));
    byte[] after = bench.bytes(bench.struct(), bench.createBytes());
    findings.require(
        Arrays.equals(before, after), bench.type(), "the test changed the structure %s", when);
  }

  private static void unknownCreationFlagsAreIgnored(Subject subject, Findings findings)
      throws Exception {
    Journal journal = new Journal();
    DeviceType type = subject.type();
    try (Bench bench = subject.emptyBench(journal)) {
      Errno errno = bench.tryCreate(type.number(), FLAG_NOBODY_DEFINED | TEST);
      findings.require(
          errno == null && journal.count("create") == 0,
          type,
          "flags 0x81 answer %s and make %d devices, expected a test",
          Words.answer(errno),
          journal.count("create"));
      errno = bench.tryCreate(type.number(), FLAG_NOBODY_DEFINED);
      findings.require(
          errno == null && journal.count("create") == 1,
          type,
          "flags 0x80 answer %s, expected success",
          Words.answer(errno));
    }
  }

  private static void oneTooManyIsRefusedAsDeclared(Subject subject, Findings findings)
      throws Exception {
    Journal journal = new Journal();
    DeviceType type = subject.type();
    InstanceLimit limit = type.limit().orElse(null);
    int possible = limit == null ? SEVERAL : limit.most();
    try (Bench bench = subject.emptyBench(journal)) {
      int last = -1;
      for (int number = 1; number <= possible; number++) {
        Errno errno = bench.tryCreate(type.number(), 0);
        last = bench.createdFd();
        if (errno != null) {
          findings.violation(
              type,
              "device %d of %s answers %s; declare a limit",
              number,
              limit == null ? "any number" : String.valueOf(possible),
              errno);
          return;
        }
      }
      findings.examine(type);
      if (limit == null) {
        return;
      }
      for (DeviceType other : excluded(subject, limit)) {
        requireRefused(bench, other, limit, findings);
      }
      bench.process().close(last);
      Errno errno = bench.tryCreate(type.number(), 0);
      boolean free = type.lifetime() == Lifetime.REFERENCES;
      findings.require(
          errno == (free ? null : limit.refusal()),
          type,
          "once a device's file is closed, another answers %s; the lifetime is %s",
          Words.answer(errno),
          type.lifetime());
    }
  }

  private static List<DeviceType> excluded(Subject subject, InstanceLimit limit) {
    List<DeviceType> excluded = new ArrayList<>();
    for (DeviceType other : subject.provider().types()) {
      boolean there =
          other.number() >= DeviceType.FIRST_THIRD_PARTY
              || subject.host().numbers("devices").contains((long) other.number());
      if (there && other.limit().filter(l -> l.group().equals(limit.group())).isPresent()) {
        excluded.add(other);
      }
    }
    return excluded;
  }

  private static void requireRefused(
      Bench bench, DeviceType type, InstanceLimit limit, Findings findings) throws KvmException {
    Errno errno = bench.tryCreate(type.number(), 0);
    Errno expected = type.limit().map(InstanceLimit::refusal).orElse(limit.refusal());
    findings.require(
        errno == expected,
        bench.type(),
        "%s as one device too many answers %s, declared is %s",
        type,
        Words.answer(errno),
        expected);
    findings.require(
        bench.createdFd() == Bench.NO_FD, bench.type(), "a refused creation changed fd");
  }

  private static void createdUnderTheVmLockInitialisedOutside(Subject subject, Findings findings)
      throws Exception {
    Journal journal = new Journal();
    boolean[] lockFree = new boolean[2];
    journal.whileCreating((machine, device) -> lockFree[0] = isLockFree(machine, 30));
    journal.whileInitialising((machine, device) -> lockFree[1] = isLockFree(machine, 3000));
    try (Bench bench = subject.rawBench(journal)) {
      findings.require(!lockFree[0], bench.type(), "the VM's lock is free during creation");
      findings.require(lockFree[1], bench.type(), "the VM's lock is held during init");
    }
  }

  /** Whether another thread can do what takes the VM's lock. */
  private static boolean isLockFree(Machine machine, long millis) {
    CountDownLatch done = new CountDownLatch(1);
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try {
                machine.<Boolean>quiesced(() -> true);
              } catch (KvmException e) {
                // Refused with the lock taken, which is what was asked.
              }
              done.countDown();
            });
    try {
      return done.await(millis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static void threadsRaceForNoMoreThanTheLimit(Subject subject, Findings findings)
      throws Exception {
    DeviceType type = subject.type();
    InstanceLimit limit = type.limit().orElse(null);
    if (limit == null) {
      throw new Findings.Skipped("the type may exist any number of times");
    }
    for (int round = 0; round < 10 && findings.isClean(); round++) {
      Journal journal = new Journal();
      try (Bench bench = subject.emptyBench(journal)) {
        int threads = limit.most() + 3;
        List<@Nullable Errno> answers =
            Threads.race(threads, thread -> createAt(bench, bench.edge(64 * (thread + 1))));
        long made = answers.stream().filter(answer -> answer == null).count();
        long refused = answers.stream().filter(answer -> answer == limit.refusal()).count();
        findings.require(
            made == limit.most() && made + refused == threads,
            type,
            "%d threads made %d devices, others were refused: %s",
            threads,
            made,
            answers);
      }
    }
  }

  private static @Nullable Errno createAt(Bench bench, long struct) throws KvmException {
    bench.putCreate(struct, bench.type().number(), 0);
    return bench.attempt(bench.vm(), bench.number(Request.CREATE_DEVICE), struct);
  }
}
