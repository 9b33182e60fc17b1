package org.kvmdev.testkit.conformance;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Operation;
import org.kvmdev.api.register.RegisterMap;

/** Rules about the data of GET and SET, and about what accesses change. */
final class DataRules {
  /** As many values an attribute is given, with the whole state compared round each. */
  private static final int MOST_ATTEMPTS = 96;

  private static final int KINDS = 6;

  static final List<Rule> RULES =
      List.of(
          Rule.of(
              "A07",
              "get_writes_exactly_the_declared_size",
              "A GET that succeeds writes all of the declared bytes, none before them and none"
                  + " behind; it needs no byte more, and is EFAULT with one less.",
              "The size is not in the ABI (struct kvm_device_attr has none): a client and a device"
                  + " that disagree corrupt the client's memory.",
              DataRules::getWritesExactlyTheDeclaredSize),
          Rule.of(
              "A08",
              "set_reads_exactly_the_declared_size",
              "A SET reads the declared bytes, needs none behind them, is EFAULT with one less, and"
                  + " writes nothing to the client's memory. A request without data reads nothing.",
              "The kernel copies the attribute's own size (get_user of a u32 in mpic_set_attr); a"
                  + " client's buffer may end with its page.",
              DataRules::setReadsExactlyTheDeclaredSize),
          Rule.of(
              "A09",
              "bad_addr_of_set_is_efault_and_changes_nothing",
              "A SET whose data cannot be read is EFAULT, or refused as with good data, and changes"
                  + " nothing.",
              "copy_from_user comes before the attribute does what it does.",
              DataRules::badAddrOfSetIsEfaultAndChangesNothing),
          Rule.of(
              "A10",
              "bad_addr_of_get_is_efault",
              "A GET that would succeed is EFAULT where its data cannot be written.",
              "copy_to_user's failure is the call's; a client must not take stale bytes for the"
                  + " value.",
              DataRules::badAddrOfGetIsEfault),
          Rule.of(
              "A11",
              "refused_set_changes_nothing",
              "After a SET that was refused, the device is as it was.",
              "A kernel's device looks at the value before it acts on it (mpic_set_attr: 0 or 1,"
                  + " before openpic_set_irq). A client that probes, and one that repairs its"
                  + " mistake, count on it.",
              DataRules::refusedSetChangesNothing),
          Rule.of(
              "A12",
              "failed_get_leaves_the_buffer",
              "After a GET that failed, the client's memory is as it was.",
              "Recorded: the buffer of a refused GET holds what it held before.",
              DataRules::failedGetLeavesTheBuffer),
          Rule.of(
              "A13",
              "reading_changes_nothing_undeclared",
              "A GET of an attribute that declares no effects leaves the device as it was.",
              "User space's GET can act as the guest's load does: an MPIC's IACK takes the"
                  + " interrupt. Tools read all attributes to show or save a device, so what"
                  + " reading does must be declared.",
              DataRules::readingChangesNothingUndeclared),
          Rule.of(
              "A14",
              "byte_order_is_the_hosts",
              "Numbers are in the byte order of the host: a device answers the same numbers on"
                  + " hosts of either order.",
              "User memory is the host kernel's; a device deals in numbers, and the copy in the"
                  + " host's order.",
              DataRules::byteOrderIsTheHosts));

  private DataRules() {}

  private static void getWritesExactlyTheDeclaredSize(Subject subject, Findings findings)
      throws Exception {
    for (Attribute attribute : readable(subject)) {
      try (Bench bench = subject.bench()) {
        for (long attr : subject.samples().of(attribute)) {
          requireWritten(bench, attribute, attr, findings);
        }
      }
    }
    findings.requireExamined("nothing can be read");
  }

  private static void requireWritten(
      Bench bench, Attribute attribute, long attr, Findings findings) {
    int group = attribute.group().number();
    int size = attribute.size();
    String call = Words.call("GET", attribute, attr);
    bench.clean();
    if (bench.get(group, attr, bench.roomy()) != null) {
      return;
    }
    findings.require(
        bench.isCleanBut(bench.roomy(), size),
        attribute,
        "%s wrote outside of its %d bytes",
        call,
        size);
    byte[] first = bench.bytes(bench.roomy(), size);
    bench.fill(bench.roomy(), size, ~Bench.CANARY);
    bench.get(group, attr, bench.roomy());
    byte[] second = bench.bytes(bench.roomy(), size);
    for (int i = 0; i < size; i++) {
      findings.require(
          (first[i] & 0xff) != Bench.CANARY || second[i] != (byte) ~Bench.CANARY,
          attribute,
          "%s did not write byte %d of %d",
          call,
          i,
          size);
    }
    Errno errno = bench.get(group, attr, bench.edge(size));
    findings.require(
        errno == null,
        attribute,
        "%s answers %s where exactly %d bytes are there",
        call,
        Words.answer(errno),
        size);
    errno = bench.get(group, attr, bench.edge(size - 1));
    findings.require(
        errno == Errno.EFAULT,
        attribute,
        "%s answers %s where %d of %d bytes are there, expected EFAULT",
        call,
        Words.answer(errno),
        size - 1,
        size);
  }

  private static void setReadsExactlyTheDeclaredSize(Subject subject, Findings findings)
      throws Exception {
    for (Attribute attribute : writable(subject)) {
      try (Bench bench = subject.bench()) {
        for (long attr : subject.samples().of(attribute)) {
          requireRead(bench, attribute, attr, findings);
        }
      }
    }
    findings.requireExamined("nothing can be written");
  }

  private static void requireRead(Bench bench, Attribute attribute, long attr, Findings findings) {
    int group = attribute.group().number();
    int size = attribute.size();
    String call = Words.call("SET", attribute, attr);
    byte[] data = current(bench, attribute, attr);
    bench.clean();
    bench.put(bench.roomy(), data);
    Errno roomy = bench.set(group, attr, bench.roomy());
    findings.require(
        bench.isCleanBut(bench.roomy(), size)
            && Arrays.equals(data, bench.bytes(bench.roomy(), size)),
        attribute,
        "%s wrote to the client's memory",
        call);
    if (size == 0) {
      Errno errno = bench.set(group, attr, Bench.NOWHERE);
      findings.require(
          errno != Errno.EFAULT, attribute, "%s has no data, and answers EFAULT", call);
      return;
    }
    bench.put(bench.edge(size), data);
    Errno exact = bench.set(group, attr, bench.edge(size));
    findings.require(
        roomy != null || exact != Errno.EFAULT,
        attribute,
        "%s answers EFAULT where exactly %d bytes are there",
        call,
        size);
    bench.put(bench.edge(size - 1), Arrays.copyOf(data, size - 1));
    Errno errno = bench.set(group, attr, bench.edge(size - 1));
    findings.require(
        errno == Errno.EFAULT || roomy != null && errno != null,
        attribute,
        "%s answers %s where %d of %d bytes are there, expected EFAULT",
        call,
        Words.answer(errno),
        size - 1,
        size);
  }

  /** What an attribute reads now, so that it can be written back; zeros where it cannot be read. */
  private static byte[] current(Bench bench, Attribute attribute, long attr) {
    bench.fill(bench.roomy(), attribute.size(), 0);
    if (attribute.access().reads()) {
      bench.get(attribute.group().number(), attr, bench.roomy());
    }
    return bench.bytes(bench.roomy(), attribute.size());
  }

  private static void badAddrOfSetIsEfaultAndChangesNothing(Subject subject, Findings findings)
      throws Exception {
    for (Attribute attribute : writable(subject)) {
      if (attribute.size() == 0) {
        continue;
      }
      int group = attribute.group().number();
      try (Bench bench = subject.bench()) {
        String before = bench.state();
        for (long attr : subject.samples().of(attribute)) {
          requireEfault(bench, attribute, attr, bench.set(group, attr, Bench.NOWHERE), findings);
          requireEfault(bench, attribute, attr, bench.set(group, attr, -1), findings);
        }
        String after = bench.state();
        findings.require(
            before.equals(after),
            attribute,
            "SET of %s with data that cannot be read changed the device: %s",
            attribute,
            Difference.of(before, after));
      }
    }
    findings.requireExamined("nothing with data can be written");
  }

  private static void requireEfault(
      Bench bench, Attribute attribute, long attr, @Nullable Errno errno, Findings findings) {
    String call = Words.call("SET", attribute, attr);
    findings.require(errno != null, attribute, "%s succeeds with data that cannot be read", call);
    if (errno != null && errno != Errno.EFAULT) {
      byte[] data = current(bench, attribute, attr);
      bench.put(bench.roomy(), data);
      Errno good = bench.set(attribute.group().number(), attr, bench.roomy());
      findings.require(
          errno == good,
          attribute,
          "%s answers %s with data that cannot be read, %s with good",
          call,
          errno,
          Words.answer(good));
    }
  }

  private static void badAddrOfGetIsEfault(Subject subject, Findings findings) throws Exception {
    for (Attribute attribute : readable(subject)) {
      int group = attribute.group().number();
      try (Bench bench = subject.bench()) {
        for (long attr : subject.samples().of(attribute)) {
          bench.fill(bench.roomy(), attribute.size(), 0);
          if (bench.get(group, attr, bench.roomy()) != null) {
            continue;
          }
          for (long address : new long[] {Bench.NOWHERE, -1}) {
            Errno errno = bench.get(group, attr, address);
            findings.require(
                errno == Errno.EFAULT,
                attribute,
                "%s answers %s at a bad addr, expected EFAULT",
                Words.call("GET", attribute, attr),
                Words.answer(errno));
          }
        }
      }
    }
    findings.requireExamined("nothing can be read");
  }

  private static void refusedSetChangesNothing(Subject subject, Findings findings)
      throws Exception {
    Random random = new Random(subject.options().seed());
    findings.remark("seed %#x", subject.options().seed());
    for (Attribute attribute : writable(subject)) {
      int group = attribute.group().number();
      try (Bench bench = subject.bench()) {
        String before = null;
        int attempts = 0;
        for (long attr : subject.samples().of(attribute)) {
          for (int kind = 0; kind < KINDS && attempts < MOST_ATTEMPTS; kind++, attempts++) {
            before = before == null ? bench.state() : before;
            byte[] data = new byte[attribute.size()];
            fill(data, kind, random);
            bench.put(bench.roomy(), data);
            Errno errno = bench.set(group, attr, bench.roomy());
            if (errno == null) {
              before = null;
              continue;
            }
            String after = bench.state();
            findings.require(
                before.equals(after),
                attribute,
                "%s to %s answers %s and changed the device: %s",
                Words.call("SET", attribute, attr),
                HexFormat.of().formatHex(data),
                errno,
                Difference.of(before, after));
            before = after;
          }
        }
      }
    }
    findings.requireExamined("no SET was refused");
  }

  private static void fill(byte[] data, int kind, Random random) {
    switch (kind) {
      case 0 -> {}
      case 1 -> Arrays.fill(data, (byte) -1);
      case 2 -> Arrays.fill(data, (byte) 0x80);
      case 3 -> Arrays.fill(data, (byte) 1);
      default -> random.nextBytes(data);
    }
  }

  private static void failedGetLeavesTheBuffer(Subject subject, Findings findings)
      throws Exception {
    if (!subject.type().has(Operation.GET_ATTR)) {
      throw new Findings.Skipped("the type does not have GET_ATTR");
    }
    for (int up = 0; up < 2; up++) {
      // Before the device is brought up, more is refused.
      try (Bench bench = up == 0 ? subject.rawBench(new Journal()) : subject.bench()) {
        for (Attribute attribute : subject.type().attributes()) {
          for (long attr : subject.samples().of(attribute)) {
            bench.clean();
            Errno errno = bench.get(attribute.group().number(), attr, bench.roomy());
            if (errno != null) {
              findings.require(
                  bench.isCleanBut(0, 0),
                  attribute,
                  "%s answers %s and wrote to the buffer",
                  Words.call("GET", attribute, attr),
                  errno);
            }
          }
        }
      }
    }
    findings.requireExamined("no GET of an attribute failed");
  }

  private static void readingChangesNothingUndeclared(Subject subject, Findings findings)
      throws Exception {
    for (Attribute attribute : readable(subject)) {
      if (!attribute.effects().isEmpty()) {
        continue;
      }
      try (Bench bench = subject.bench()) {
        String before = bench.state();
        for (long attr : subject.samples().of(attribute)) {
          if (!hasEffects(attribute, attr)) {
            bench.get(attribute.group().number(), attr, bench.roomy());
          }
        }
        String after = bench.state();
        findings.require(
            before.equals(after),
            attribute,
            "GET of %s, which declares no effects, changed the device: %s",
            attribute,
            Difference.of(before, after));
      }
    }
    findings.requireExamined("nothing can be read without declared effects");
  }

  private static boolean hasEffects(Attribute attribute, long attr) {
    for (RegisterMap<?> map : attribute.registers()) {
      var register = map.at(attr);
      if (register != null && !register.spec().effects().isEmpty()) {
        return true;
      }
    }
    return false;
  }

  private static void byteOrderIsTheHosts(Subject subject, Findings findings) throws Exception {
    Subject other = subject.onOtherByteOrder();
    if (other == null) {
      throw new Findings.Skipped("the type is bound to its hosts, and so to their byte order");
    }
    try (Bench one = subject.bench();
        Bench two = other.bench()) {
      for (Attribute attribute : readable(subject)) {
        if (attribute.size() > 8) {
          continue;
        }
        AttributeGroup group = attribute.group();
        for (long attr : subject.samples().of(attribute)) {
          one.fill(one.roomy(), 8, 0);
          two.fill(two.roomy(), 8, 0);
          Errno first = one.get(group.number(), attr, one.roomy());
          Errno second = two.get(group.number(), attr, two.roomy());
          long here = one.memory().readNumber(one.roomy(), attribute.size());
          long there = two.memory().readNumber(two.roomy(), attribute.size());
          findings.require(
              first == second && here == there,
              attribute,
              "%s answers %#x on a host of one byte order, %#x of the other",
              Words.call("GET", attribute, attr),
              here,
              there);
        }
      }
    }
    findings.requireExamined("no number can be read");
  }

  private static List<Attribute> readable(Subject subject) {
    return subject.type().has(Operation.GET_ATTR)
        ? subject.attributes(attribute -> attribute.access().reads())
        : List.of();
  }

  private static List<Attribute> writable(Subject subject) {
    return subject.type().has(Operation.SET_ATTR)
        ? subject.attributes(attribute -> attribute.access().writes())
        : List.of();
  }
}
