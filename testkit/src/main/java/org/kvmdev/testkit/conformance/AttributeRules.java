package org.kvmdev.testkit.conformance;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Operation;
import org.kvmdev.runtime.ioctl.Request;

/** Rules about which attributes there are, and how HAS, GET and SET agree about it. */
final class AttributeRules {
  /** Larger than any attribute of a device that is not asked for its size. */
  private static final int BIG = 256;

  static final List<Rule> RULES =
      List.of(
          Rule.of(
              "A01",
              "unknown_group_is_refused",
              "A group that the type does not declare is ENXIO to HAS, GET and SET, and the"
                  + " client's buffer stays as it was.",
              "Documentation/virt/kvm/api.rst 4.80: ENXIO, the group or attribute is unknown or"
                  + " unsupported for this device.",
              AttributeRules::unknownGroupIsRefused),
          Rule.of(
              "A02",
              "unknown_attribute_is_answered_as_declared",
              "A number that names no attribute of its group answers to HAS, GET and SET what the"
                  + " group declares for each, changes nothing and writes nothing. All 64 bits of"
                  + " it count.",
              "api.rst says ENXIO, yet kernels differ: GET and SET of the ITS's ADDR group answer"
                  + " ENODEV where HAS answers ENXIO. Clients find out by asking what a kernel"
                  + " has.",
              AttributeRules::unknownAttributeIsAnsweredAsDeclared),
          Rule.of(
              "A15",
              "unknown_attribute_is_enxio",
              "What a group declares for a number that names no attribute is ENXIO, for HAS, GET"
                  + " and SET.",
              "The rule of api.rst 4.80 that most devices keep. One that does not, because the"
                  + " kernel's does not, declares the departure beside the errno.",
              AttributeRules::unknownAttributeIsEnxio),
          Rule.of(
              "A03",
              "declared_attributes_exist",
              "HAS succeeds for every attribute with a number of its own, and for all that the"
                  + " state enumerates.",
              "Clients ask HAS before they rely on an attribute; kvmtool gives up where a"
                  + " capability says yes and HAS no.",
              AttributeRules::declaredAttributesExist),
          Rule.of(
              "A04",
              "has_agrees_with_get_and_set",
              "What HAS denies, GET and SET refuse; what HAS affirms, one of them knows.",
              "HAS tells whether the device has an attribute, not whether it can be accessed now"
                  + " (api.rst 4.81): so GET and SET may be refused, but not as unknown.",
              AttributeRules::hasAgreesWithGetAndSet),
          Rule.of(
              "A05",
              "has_never_touches_addr",
              "HAS answers the same whatever addr is, and neither reads nor writes there.",
              "api.rst 4.81: addr is ignored. Recorded: HAS with bad pointers succeeds.",
              AttributeRules::hasNeverTouchesAddr),
          Rule.of(
              "A06",
              "access_is_as_declared",
              "An attribute that is read can be read, one that is written can be written, and what"
                  + " it does not have answers as an unknown attribute.",
              "In Linux the accessor's switch has no case for it, so it ends where unknown ones"
                  + " do.",
              AttributeRules::accessIsAsDeclared));

  private AttributeRules() {}

  private static void unknownGroupIsRefused(Subject subject, Findings findings) throws Exception {
    try (Bench bench = subject.bench()) {
      for (int group : subject.unknownGroups()) {
        for (long attr : new long[] {0, 1, -1}) {
          requireHas(bench, bench.type(), group, attr, Errno.ENXIO, findings);
          requireGet(bench, bench.type(), group, attr, Errno.ENXIO, findings);
          requireSet(bench, bench.type(), group, attr, Errno.ENXIO, findings);
        }
      }
    }
  }

  private static void requireHas(
      Bench bench,
      Object place,
      int group,
      long attr,
      @Nullable Errno expected,
      Findings findings) {
    if (bench.type().has(Operation.HAS_ATTR)) {
      requireAnswer(place, "HAS", group, attr, bench.has(group, attr), expected, findings);
    }
  }

  private static void requireGet(
      Bench bench,
      Object place,
      int group,
      long attr,
      @Nullable Errno expected,
      Findings findings) {
    if (!bench.type().has(Operation.GET_ATTR)) {
      return;
    }
    bench.clean();
    Errno errno = bench.get(group, attr, bench.roomy());
    requireAnswer(place, "GET", group, attr, errno, expected, findings);
    findings.require(
        bench.isCleanBut(0, 0),
        place,
        "%s wrote to the client's memory",
        Words.call("GET", group, attr));
  }

  private static void requireSet(
      Bench bench,
      Object place,
      int group,
      long attr,
      @Nullable Errno expected,
      Findings findings) {
    if (!bench.type().has(Operation.SET_ATTR)) {
      return;
    }
    String before = bench.state();
    bench.fill(bench.roomy(), BIG, 0);
    Errno errno = bench.set(group, attr, bench.roomy());
    requireAnswer(place, "SET", group, attr, errno, expected, findings);
    String after = bench.state();
    findings.require(
        before.equals(after),
        place,
        "%s changed the device: %s",
        Words.call("SET", group, attr),
        Difference.of(before, after));
  }

  private static void requireAnswer(
      Object place,
      String what,
      int group,
      long attr,
      @Nullable Errno errno,
      @Nullable Errno expected,
      Findings findings) {
    findings.require(
        errno == expected,
        place,
        "%s answers %s, expected %s",
        Words.call(what, group, attr),
        Words.answer(errno),
        Words.answer(expected));
  }

  private static void unknownAttributeIsAnsweredAsDeclared(Subject subject, Findings findings)
      throws Exception {
    try (Bench bench = subject.bench()) {
      for (AttributeGroup group : subject.type().groups()) {
        for (long attr : unknown(subject, group)) {
          requireHas(bench, group, group.number(), attr, group.unknownHas(), findings);
          if (!isKnownToGet(subject, group, attr)) {
            requireGet(bench, group, group.number(), attr, group.unknownGet(), findings);
          }
          requireSet(bench, group, group.number(), attr, group.unknownSet(), findings);
        }
      }
      findings.requireExamined("every number of every group is an attribute's");
    }
  }

  private static void unknownAttributeIsEnxio(Subject subject, Findings findings) throws Exception {
    for (AttributeGroup group : subject.type().groups()) {
      findings.require(
          group.unknownHas() == Errno.ENXIO
              && group.unknownGet() == Errno.ENXIO
              && group.unknownSet() == Errno.ENXIO,
          group,
          "%s declares that a number that names nothing answers %s to HAS, %s to GET, %s to SET",
          group,
          Words.answer(group.unknownHas()),
          Words.answer(group.unknownGet()),
          Words.answer(group.unknownSet()));
    }
    findings.requireExamined("the type has no groups");
  }

  /** Whether GET, which may look at fewer bits, knows a number that the others do not. */
  private static boolean isKnownToGet(Subject subject, AttributeGroup group, long attr) {
    long seen = attr & group.getMask();
    return seen != attr
        && subject.type().attributes().stream()
            .anyMatch(a -> a.group().equals(group) && Samples.inRange(a, seen));
  }

  /** Numbers that name no attribute of a group. */
  private static Set<Long> unknown(Subject subject, AttributeGroup group) {
    List<Attribute> attributes = subject.attributes(a -> a.group().equals(group));
    List<Long> outside = new ArrayList<>(List.of(0L, 1L, 99L, -1L, Long.MIN_VALUE));
    for (Attribute attribute : attributes) {
      outside.add(attribute.firstKey() - 1);
      outside.add(attribute.lastKey() + 1);
      // The kernel compares all 64 bits; a device that drops the high half would know these.
      outside.add(attribute.firstKey() | 1L << 32);
      outside.add(attribute.firstKey() | 1L << 63);
    }
    outside.removeIf(
        number -> attributes.stream().anyMatch(attribute -> Samples.inRange(attribute, number)));
    return new LinkedHashSet<>(outside);
  }

  private static void declaredAttributesExist(Subject subject, Findings findings) throws Exception {
    if (!subject.type().has(Operation.HAS_ATTR)) {
      throw new Findings.Skipped("the type does not have HAS_ATTR");
    }
    try (Bench bench = subject.bench()) {
      for (Attribute attribute : subject.type().attributes()) {
        for (long attr : subject.samples().numbered(attribute)) {
          Errno errno = bench.has(attribute.group().number(), attr);
          findings.require(
              errno == null,
              attribute,
              "%s answers %s",
              Words.call("HAS", attribute, attr),
              Words.answer(errno));
        }
      }
      findings.requireExamined("no attribute has a number of its own, and no state is enumerated");
    }
  }

  private static void hasAgreesWithGetAndSet(Subject subject, Findings findings) throws Exception {
    DeviceType type = subject.type();
    if (!type.has(Operation.HAS_ATTR)) {
      throw new Findings.Skipped("the type does not have HAS_ATTR");
    }
    try (Bench bench = subject.bench()) {
      for (Attribute attribute : type.attributes()) {
        Set<Long> numbers = new LinkedHashSet<>(subject.samples().of(attribute));
        if (attribute.isKeyed()) {
          numbers.addAll(subject.samples().unmapped(attribute.group()));
          for (long valid : subject.samples().of(attribute).stream().limit(1).toList()) {
            numbers.add(valid | 1L << 32);
            numbers.add(valid | 1L << 63);
          }
          numbers.add(attribute.firstKey());
          numbers.add(attribute.firstKey() + 1);
          numbers.add(attribute.lastKey());
        }
        for (long attr : numbers) {
          requireAgreement(bench, attribute, attr, findings);
        }
      }
      findings.requireExamined("the type has no attributes");
    }
  }

  private static void requireAgreement(
      Bench bench, Attribute attribute, long attr, Findings findings) {
    AttributeGroup group = attribute.group();
    Errno has = bench.has(group.number(), attr);
    Errno get = bench.get(group.number(), attr, bench.roomy());
    // Where the data cannot be read, a SET that knows the attribute says EFAULT and does nothing;
    // but one that reads them before it looks says so too, and must be given some.
    bench.fill(bench.roomy(), get == null ? 0 : attribute.size(), 0);
    Errno set = bench.set(group.number(), attr, attribute.size() > 0 ? Bench.NOWHERE : 0);
    if (set == Errno.EFAULT) {
      set = bench.set(group.number(), attr, bench.roomy());
    }
    if (has != null) {
      findings.require(
          get != null && set != null,
          attribute,
          "%s answers %s, but GET answers %s and SET %s",
          Words.call("HAS", attribute, attr),
          has,
          Words.answer(get),
          Words.answer(set));
      return;
    }
    boolean getDenies = isDenied(bench.type(), Operation.GET_ATTR, get, group.unknownGet());
    boolean setDenies = isDenied(bench.type(), Operation.SET_ATTR, set, group.unknownSet());
    findings.require(
        !getDenies || !setDenies,
        attribute,
        "%s succeeds, but GET answers %s and SET %s, as for an unknown attribute",
        Words.call("HAS", attribute, attr),
        get,
        set);
  }

  /** Whether an accessor answers as for an unknown attribute, or is not there to answer. */
  private static boolean isDenied(
      DeviceType type, Operation operation, @Nullable Errno errno, @Nullable Errno unknown) {
    return !type.has(operation) || errno != null && errno == unknown;
  }

  private static void hasNeverTouchesAddr(Subject subject, Findings findings) throws Exception {
    if (!subject.type().has(Operation.HAS_ATTR)) {
      throw new Findings.Skipped("the type does not have HAS_ATTR");
    }
    try (Bench bench = subject.bench()) {
      for (Attribute attribute : subject.type().attributes()) {
        int group = attribute.group().number();
        for (long attr : subject.samples().of(attribute)) {
          // A device that keeps the client's memory from this call could use it in the next.
          bench.get(group, attr, bench.roomy());
          bench.clean();
          Errno expected = bench.has(group, attr);
          for (long address : new long[] {bench.roomy(), Bench.NOWHERE, -1, Long.MIN_VALUE}) {
            Errno errno = bench.access(Request.HAS_DEVICE_ATTR, 0, group, attr, address);
            findings.require(
                errno == expected,
                attribute,
                "%s answers %s with addr %#x, %s with 0",
                Words.call("HAS", attribute, attr),
                Words.answer(errno),
                address,
                Words.answer(expected));
          }
          findings.require(
              bench.isCleanBut(0, 0),
              attribute,
              "%s wrote to the client's memory",
              Words.call("HAS", attribute, attr));
        }
      }
      findings.requireExamined("the type has no attributes");
    }
  }

  private static void accessIsAsDeclared(Subject subject, Findings findings) throws Exception {
    DeviceType type = subject.type();
    for (Attribute attribute : type.attributes()) {
      List<Long> numbers = subject.samples().of(attribute);
      if (numbers.isEmpty()) {
        continue;
      }
      try (Bench bench = subject.bench()) {
        requireGet(type, bench, attribute, numbers, findings);
        requireSet(type, bench, attribute, numbers, findings);
      }
    }
    findings.requireExamined("the type has no attributes that can be tried");
  }

  private static void requireGet(
      DeviceType type, Bench bench, Attribute attribute, List<Long> numbers, Findings findings) {
    AttributeGroup group = attribute.group();
    if (!type.has(Operation.GET_ATTR)) {
      return;
    }
    int unknown = 0;
    for (long attr : numbers) {
      Errno errno = bench.get(group.number(), attr, bench.roomy());
      if (!attribute.access().reads()) {
        findings.require(
            errno == group.unknownGet(),
            attribute,
            "%s answers %s, expected %s: it is declared to be written only",
            Words.call("GET", attribute, attr),
            Words.answer(errno),
            Words.answer(group.unknownGet()));
      } else if (errno != null && errno == group.unknownGet()) {
        unknown++;
      }
    }
    // Of an attribute that stands for many, some may be written only.
    findings.require(
        unknown < numbers.size(),
        attribute,
        "%s answers as an unknown attribute, but it is declared to be read",
        Words.call("GET", attribute, numbers.getFirst()));
  }

  private static void requireSet(
      DeviceType type, Bench bench, Attribute attribute, List<Long> numbers, Findings findings) {
    AttributeGroup group = attribute.group();
    if (!type.has(Operation.SET_ATTR)) {
      return;
    }
    int unknown = 0;
    boolean blind = attribute.access().writes() && attribute.size() > 0 && !group.memoryFirst();
    for (long attr : numbers) {
      bench.fill(bench.roomy(), attribute.size(), 0);
      Errno errno = bench.set(group.number(), attr, blind ? Bench.NOWHERE : bench.roomy());
      if (!attribute.access().writes()) {
        findings.require(
            errno == group.unknownSet(),
            attribute,
            "%s answers %s, expected %s: it is declared to be read only",
            Words.call("SET", attribute, attr),
            Words.answer(errno),
            Words.answer(group.unknownSet()));
      } else if (errno != null && errno == group.unknownSet()) {
        unknown++;
      }
    }
    findings.require(
        unknown < numbers.size(),
        attribute,
        "%s answers as an unknown attribute, but it is declared to be written",
        Words.call("SET", attribute, numbers.getFirst()));
  }
}
