package org.kvmdev.testkit.conformance;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Lifetime;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.runtime.ioctl.KvmProcess;
import org.kvmdev.runtime.ioctl.Request;

/** Rules about how a device ends. */
final class LifetimeRules {
  /** RLIMIT_NOFILE at which no more file can be opened. */
  private static final int NO_FILES = 3;

  private static final int UNKNOWN_TYPE = 0x3fff_ff00;
  private static final int CYCLES = 8;

  static final List<Rule> RULES =
      List.of(
          Rule.of(
              "L01",
              "ends_exactly_once",
              "A device ends once, by destroy at its VM's end or by release with its last"
                  + " reference, as declared; whichever file is closed first, in whichever process,"
                  + " and with nothing thrown.",
              "Since Linux 3.10 kvm_destroy_devices calls destroy when the VM ends; since 5.2 a"
                  + " type with release ends with its last file, and is not destroyed.",
              LifetimeRules::endsExactlyOnce),
          Rule.of(
              "L02",
              "no_free_fd_leaves_nothing_behind",
              "Where no file descriptor is free, creation is EMFILE and the device, if it was made,"
                  + " has ended once; the next creation succeeds. A test needs none.",
              "Recorded at RLIMIT_NOFILE: EMFILE, TEST 0, an unknown type ENODEV; after the limit"
                  + " is lifted the same creation succeeds, though one is the most.",
              LifetimeRules::noFreeFdLeavesNothingBehind),
          Rule.of(
              "L03",
              "unwritable_struct_leaves_the_device_to_its_file",
              "Where the structure cannot be written back, creation is EFAULT, and the device lives"
                  + " on with the file that was made; it ends once, with the process.",
              "Recorded: KVM_CREATE_DEVICE with its structure in read-only memory leaves a file"
                  + " anon_inode:NAME behind.",
              LifetimeRules::unwritableStructLeavesTheDeviceToItsFile),
          Rule.of(
              "L04",
              "device_keeps_its_vm",
              "With the VM's file closed, the device answers as before.",
              "The device's file holds a reference to the VM. Recorded.",
              LifetimeRules::deviceKeepsItsVm),
          Rule.of(
              "L05",
              "implements_the_end_that_it_declares",
              "A device does not implement the end that its type's lifetime never calls.",
              "In Linux a type has destroy or release; what stands in the other would never run.",
              LifetimeRules::implementsTheEndThatItDeclares),
          Rule.of(
              "L06",
              "release_leaves_nothing_in_the_vm",
              "A device that ends before its VM takes its regions off the bus, disconnects the"
                  + " vCPUs, and is no longer the VM's interrupt controller.",
              "release was made so that a guest can change its controller (XICS to XIVE) without"
                  + " ending the VM.",
              LifetimeRules::releaseLeavesNothingInTheVm),
          Rule.of(
              "L07",
              "ended_devices_are_garbage",
              "Once its VM has ended, nothing refers to a device, or to its VM.",
              "A process that makes VMs all day must not grow: kvm_destroy_devices frees each with"
                  + " the VM.",
              LifetimeRules::endedDevicesAreGarbage));

  private LifetimeRules() {}

  private static void endsExactlyOnce(Subject subject, Findings findings) throws Exception {
    boolean byReferences = subject.type().lifetime() == Lifetime.REFERENCES;
    for (boolean vmFirst : new boolean[] {false, true}) {
      Journal journal = new Journal();
      try (Bench bench = subject.bench(journal)) {
        int dup = bench.process().dup(bench.device());
        if (vmFirst) {
          closeVm(bench);
        }
        bench.process().close(bench.device());
        requireEnds(journal, 0, "while a descriptor of it is open", findings, bench);
        bench.process().close(dup);
        requireEnds(
            journal,
            byReferences || vmFirst ? 1 : 0,
            "once its last descriptor is closed",
            findings,
            bench);
        if (!vmFirst) {
          closeVm(bench);
        }
        requireEnds(journal, 1, "once all descriptors are closed", findings, bench);
      }
      requireEnded(journal, findings, subject.type(), "after its files were closed");
    }
    Journal journal = new Journal();
    subject.bench(journal).close();
    requireEnded(journal, findings, subject.type(), "after its process ended");
    Journal forked = new Journal();
    Bench parent = subject.bench(forked);
    try (KvmProcess child = parent.process().fork()) {
      parent.close();
      requireEnds(forked, 0, "while a forked child has it open", findings, parent);
      findings.require(
          parent.attempt(child, parent.device(), 0, 0) == Errno.EIO,
          subject.type(),
          "a forked child may use the device");
    }
    requireEnded(forked, findings, subject.type(), "after a forked child ended last");
  }

  private static void closeVm(Bench bench) throws KvmException {
    bench.process().close(bench.vm());
    for (int id = 0; id < bench.vcpuCount(); id++) {
      bench.process().close(bench.vcpu(id));
    }
  }

  private static void requireEnds(
      Journal journal, int expected, String when, Findings findings, Bench bench) {
    findings.require(
        journal.ended() == expected * journal.count("create") || journal.count("create") > 1,
        bench.type(),
        "the device has ended %d times %s, expected %d",
        journal.ended(),
        when,
        expected);
  }

  private static void requireEnded(
      Journal journal, Findings findings, DeviceType type, String when) {
    String right = type.lifetime() == Lifetime.REFERENCES ? "release" : "destroy";
    // A bring-up may make other types' devices, which end their own way.
    int made = journal.count("create");
    findings.require(
        made > 1 ? journal.ended() == made : journal.count(right) == 1 && journal.ended() == 1,
        type,
        "%s: destroy was called %d times and release %d times, expected %s once",
        when,
        journal.count("destroy"),
        journal.count("release"),
        right);
    for (String fault : journal.faults()) {
      findings.violation(type, "%s", fault);
    }
  }

  private static void noFreeFdLeavesNothingBehind(Subject subject, Findings findings)
      throws Exception {
    Journal journal = new Journal();
    DeviceType type = subject.type();
    try (Bench bench = subject.emptyBench(journal)) {
      String before = traces(bench.typedVm().machine());
      bench.process().setFileLimit(NO_FILES);
      Errno errno = bench.tryCreate(type.number(), 0);
      findings.require(
          errno == Errno.EMFILE,
          type,
          "creation with no free descriptor answers %s, expected EMFILE",
          Words.answer(errno));
      findings.require(bench.createdFd() == Bench.NO_FD, type, "a refused creation changed fd");
      findings.require(
          journal.count("create") == journal.ended(),
          type,
          "a device was made and has not ended once: %s",
          journal.events());
      errno = bench.tryTest(type.number());
      findings.require(
          errno == null, type, "the test with no free descriptor answers %s", Words.answer(errno));
      errno = bench.tryCreate(UNKNOWN_TYPE, 0);
      findings.require(
          errno == Errno.ENODEV,
          type,
          "creating an unknown type with no free descriptor answers %s, expected ENODEV",
          Words.answer(errno));
      bench.process().setFileLimit(1024);
      errno = bench.tryCreate(type.number(), 0);
      findings.require(errno == null, type, "the next creation answers %s", Words.answer(errno));
    }
    findings.require(
        journal.count("create") == journal.ended(),
        type,
        "not every device has ended once: %s",
        journal.events());
    if (subject.declaresState()) {
      requireStateWithout(subject, findings);
    }
  }

  /** A device that could not be given a descriptor is no part of its VM's state. */
  private static void requireStateWithout(Subject subject, Findings findings) throws Exception {
    try (Bench bench = subject.bench();
        Bench other = subject.bareBench()) {
      other.process().setFileLimit(NO_FILES);
      other.tryCreate(subject.type().number(), 0);
      other.process().setFileLimit(1024);
      other.create();
      subject.options().bringUp().bringUp(other);
      String expected = bench.typedVm().save().toString();
      String saved = other.typedVm().save().toString();
      findings.require(
          expected.equals(saved),
          subject.type(),
          "a device that could not be given a descriptor is in the state: %s",
          Difference.of(expected, saved));
    }
  }

  private static void unwritableStructLeavesTheDeviceToItsFile(Subject subject, Findings findings)
      throws Exception {
    Journal journal = new Journal();
    DeviceType type = subject.type();
    try (Bench bench = subject.emptyBench(journal)) {
      long struct = bench.memory().map(bench.createBytes());
      bench.putCreate(struct, type.number(), 0);
      bench.memory().protect(struct, true);
      Errno errno = bench.attempt(bench.vm(), bench.number(Request.CREATE_DEVICE), struct);
      findings.require(
          errno == Errno.EFAULT,
          type,
          "creation whose structure cannot be written answers %s, expected EFAULT",
          Words.answer(errno));
      findings.require(
          journal.count("create") == 1 && journal.ended() == 0,
          type,
          "creation whose structure cannot be written: %s",
          journal.events());
    }
    findings.require(
        journal.ended() == 1,
        type,
        "with the process the device has ended %d times",
        journal.ended());
  }

  private static void deviceKeepsItsVm(Subject subject, Findings findings) throws Exception {
    Journal journal = new Journal();
    try (Bench bench = subject.bench(journal)) {
      List<String> before = hasAll(subject, bench);
      closeVm(bench);
      findings.require(journal.ended() == 0, bench.type(), "the device ended with the VM's file");
      List<String> after = hasAll(subject, bench);
      findings.require(
          before.equals(after),
          bench.type(),
          "with the VM's file closed the device answers %s, before %s",
          after,
          before);
    }
  }

  private static List<String> hasAll(Subject subject, Bench bench) {
    List<String> answers = new ArrayList<>();
    for (Attribute attribute : subject.type().attributes()) {
      for (long attr : subject.samples().of(attribute)) {
        answers.add(
            Words.call("HAS", attribute, attr)
                + " "
                + Words.answer(bench.has(attribute.group().number(), attr)));
      }
    }
    answers.add(Words.answer(bench.has(subject.unknownGroups().getFirst(), 0)));
    return answers;
  }

  private static void implementsTheEndThatItDeclares(Subject subject, Findings findings)
      throws Exception {
    Journal journal = new Journal();
    List<Class<?>> made = new ArrayList<>();
    journal.whileCreating((machine, device) -> made.add(device.getClass()));
    subject.rawBench(journal).close();
    Class<?> device = made.getFirst();
    String never = subject.type().lifetime() == Lifetime.REFERENCES ? "destroy" : "release";
    String called = never.equals("destroy") ? "release" : "destroy";
    findings.require(
        device.getMethod(never).getDeclaringClass() == DeviceOps.class,
        subject.type(),
        "%s implements %s(), which is never called: the declared lifetime %s ends with %s()",
        device.getSimpleName(),
        never,
        subject.type().lifetime(),
        called);
  }

  private static void releaseLeavesNothingInTheVm(Subject subject, Findings findings)
      throws Exception {
    if (subject.type().lifetime() != Lifetime.REFERENCES) {
      throw new Findings.Skipped("the type's devices end with their VM");
    }
    Journal journal = new Journal();
    try (Bench bench = subject.emptyBench(journal)) {
      String before = traces(bench.typedVm().machine());
      bench.create();
      subject.options().bringUp().bringUp(bench);
      bench.process().close(bench.device());
      String after = traces(bench.typedVm().machine());
      findings.require(
          before.equals(after), bench.type(), "after release: %s", Difference.of(before, after));
    }
  }

  /** What devices leave in a VM, as text. */
  private static String traces(Machine machine) {
    StringBuilder text = new StringBuilder();
    text.append(machine.mmio().regions().size()).append(" regions on the bus\n");
    text.append(machine.controller() == null ? "no" : "an").append(" interrupt controller\n");
    for (int index = 0; index < machine.vcpuCount(); index++) {
      text.append("vCPU ").append(index);
      text.append(machine.vcpu(index).owner() == null ? " is free\n" : " is connected\n");
    }
    return text.toString();
  }

  private static void endedDevicesAreGarbage(Subject subject, Findings findings) throws Exception {
    List<WeakReference<Object>> devices = new ArrayList<>();
    List<WeakReference<Object>> machines = new ArrayList<>();
    for (int cycle = 0; cycle < CYCLES; cycle++) {
      Journal journal = new Journal();
      journal.whileCreating(
          (machine, device) -> {
            devices.add(new WeakReference<>(device));
            machines.add(new WeakReference<>(machine));
          });
      subject.bench(journal).close();
    }
    requireGarbage(devices, "devices", findings, subject.type());
    requireGarbage(machines, "VMs", findings, subject.type());
  }

  private static void requireGarbage(
      List<WeakReference<Object>> ended, String what, Findings findings, DeviceType type)
      throws InterruptedException {
    long left = CYCLES;
    for (int attempt = 0; attempt < 20 && left > 1; attempt++) {
      System.gc();
      left = ended.stream().filter(each -> each.get() != null).count();
      if (left > 1) {
        Thread.sleep(5);
      }
    }
    // The last may still be in a register or on the stack.
    findings.require(
        left <= 1,
        type,
        "%d of %d %s are still referred to after they ended; by a static field?",
        left,
        ended.size(),
        what);
  }
}
