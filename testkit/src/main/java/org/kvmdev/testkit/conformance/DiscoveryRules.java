package org.kvmdev.testkit.conformance;

import java.util.HashSet;
import java.util.List;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.stream.Stream;
import org.kvmdev.api.Access;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.Departure;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.api.KeyField;
import org.kvmdev.api.Operation;

/** Rules about how a jar is found, and about what it declares. */
final class DiscoveryRules {
  static final List<Rule> RULES =
      List.of(
          Rule.ofDeclarations(
              "D01",
              "provider_is_found_exactly_once",
              "ServiceLoader finds the provider, and finds it once.",
              "A device model is found, not compiled in. Linux refuses a second registration of a"
                  + " type (kvm_register_device_ops: EEXIST); a provider listed twice would claim"
                  + " its own numbers twice.",
              DiscoveryRules::providerIsFoundExactlyOnce),
          Rule.ofDeclarations(
              "D02",
              "listings_agree",
              "META-INF/services and the module descriptor's `provides` name the same providers.",
              "A device of Linux is registered in one place (kvm_register_device_ops). A jar has"
                  + " two: the first counts on the class path, the second on the module path, and"
                  + " with one of them it works until it is put on the other.",
              DiscoveryRules::listingsAgree),
          Rule.ofDeclarations(
              "D03",
              "type_numbers_are_unique_and_in_range",
              "A type's number is the provider's alone; it is the kernel's and of a host that has"
                  + " it, or from 0x40000000 up.",
              "KVM_CREATE_DEVICE chooses by number alone. KVM has no vendor range: the kernel"
                  + " gives its numbers upwards from 1 (include/uapi/linux/kvm.h), so third parties"
                  + " stay far above.",
              DiscoveryRules::typeNumbersAreUniqueAndInRange),
          Rule.ofDeclarations(
              "D04",
              "declarations_are_stable",
              "Asked twice, a provider declares the same types, architectures and hosts.",
              "Declarations are asked once and kept; in Linux a struct kvm_device_ops is const.",
              DiscoveryRules::declarationsAreStable),
          Rule.ofDeclarations(
              "D05",
              "descriptors_are_consistent",
              "Names are there, numbers do not clash, sizes fit the access, operations fit the"
                  + " attributes, and departures name rules and sources.",
              "Linux writes down what a device has beside its code"
                  + " (Documentation/virt/kvm/devices). Here dispatch, descriptions, snapshots and"
                  + " these rules all derive from the descriptors.",
              DiscoveryRules::descriptorsAreConsistent));

  /** A departure from what the type's own document says, which no rule can read: listed only. */
  private static final String DOCUMENTED = "documented_";

  private DiscoveryRules() {}

  private static void providerIsFoundExactlyOnce(Subject subject, Findings findings) {
    Class<?> provider = subject.provider().getClass();
    ModuleLayer layer = provider.getModule().getLayer();
    ServiceLoader<DeviceProvider> loader =
        layer == null || layer == ModuleLayer.boot()
            ? ServiceLoader.load(DeviceProvider.class, provider.getClassLoader())
            : ServiceLoader.load(layer, DeviceProvider.class);
    long found = loader.stream().filter(each -> each.type() == provider).count();
    findings.require(
        found == 1,
        subject.type(),
        "ServiceLoader finds %s %d times; it should be once: declare it @AutoService, and"
            + " `provides … with` in module-info",
        provider.getName(),
        found);
  }

  private static void listingsAgree(Subject subject, Findings findings) throws Exception {
    Listings listings = Listings.of(subject.provider().getClass());
    findings.require(
        listings.services().equals(listings.provides()),
        subject.type(),
        "META-INF/services names %s, module-info %s",
        listings.services(),
        listings.provides());
  }

  private static void typeNumbersAreUniqueAndInRange(Subject subject, Findings findings) {
    DeviceType type = subject.type();
    long same =
        subject.provider().types().stream().filter(t -> t.number() == type.number()).count();
    findings.require(
        same == 1, type, "%d types of the provider have the number %d", same, type.number());
    if (type.number() >= DeviceType.FIRST_THIRD_PARTY) {
      return;
    }
    findings.require(
        type.number() > 0 && subject.host().numbers("devices").contains((long) type.number()),
        type,
        "%d is no number of a type of host %s; it has %s, and third parties begin at %#x",
        type.number(),
        subject.host(),
        subject.host().numbers("devices"),
        DeviceType.FIRST_THIRD_PARTY);
  }

  private static void declarationsAreStable(Subject subject, Findings findings) {
    DeviceProvider provider = subject.provider();
    DeviceType type = subject.type();
    List<String> first = provider.types().stream().map(DiscoveryRules::describe).toList();
    List<String> second = provider.types().stream().map(DiscoveryRules::describe).toList();
    findings.require(first.equals(second), type, "types() answers otherwise the second time");
    findings.require(
        first.contains(describe(type)), type, "types() does not have the type any more");
    findings.require(
        provider.architectures().equals(provider.architectures()),
        type,
        "architectures() answers otherwise the second time");
    findings.require(
        provider.hosts().stream()
            .map(Host::name)
            .toList()
            .equals(provider.hosts().stream().map(Host::name).toList()),
        type,
        "hosts() answers otherwise the second time");
  }

  private static String describe(DeviceType type) {
    StringBuilder text = new StringBuilder();
    text.append(
        List.of(
            type.number(),
            type.name(),
            type.fileName(),
            type.summary(),
            Set.copyOf(type.operations()).stream().sorted().toList(),
            type.limit(),
            type.lifetime(),
            type.completeness()));
    for (Attribute attribute : type.attributes()) {
      text.append(
          List.of(
              attribute.group().number(),
              attribute.toString(),
              attribute.firstKey(),
              attribute.lastKey(),
              attribute.size(),
              attribute.access()));
    }
    return text.append(type.departures()).toString();
  }

  private static void descriptorsAreConsistent(Subject subject, Findings findings) {
    DeviceType type = subject.type();
    findings.require(
        !type.name().isBlank() && !type.summary().isBlank(), type, "it has no name or no summary");
    findings.require(
        type.fileName().matches("[a-z0-9][a-z0-9._-]*"),
        type,
        "the file's name \"%s\" should be of small letters, digits and dashes",
        type.fileName());
    Set<Integer> groups = new HashSet<>();
    for (AttributeGroup group : type.groups()) {
      findings.require(
          groups.add(group.number()), group, "%s: number %d is taken", group, group.number());
      requireDistinctFields(group, findings);
      requireDistinctNumbers(type, group, findings);
    }
    for (Attribute attribute : type.attributes()) {
      requireConsistent(type, attribute, findings);
    }
    Stream.of(type.departures()).flatMap(List::stream).forEach(d -> requireRule(type, d, findings));
    findings.require(
        type.departures().size() == new HashSet<>(type.departures()).size()
            || type.groups().size() + type.attributes().size() > 1,
        type,
        "a departure is declared twice");
  }

  private static void requireDistinctFields(AttributeGroup group, Findings findings) {
    long taken = 0;
    for (KeyField field : group.fields()) {
      long mask = -1L >>> 63 - field.high() + field.low() << field.low();
      findings.require(
          (taken & mask) == 0, group, "%s: the field %s overlaps another", group, field.name());
      taken |= mask;
    }
  }

  private static void requireDistinctNumbers(
      DeviceType type, AttributeGroup group, Findings findings) {
    List<Attribute> all =
        type.attributes().stream().filter(attribute -> attribute.group() == group).toList();
    findings.require(!all.isEmpty(), group, "%s has no attribute", group);
    Set<Long> numbers = new HashSet<>();
    for (Attribute attribute : all) {
      if (attribute.isKeyed()) {
        findings.require(
            all.size() == 1,
            attribute,
            "%s stands for all of its group, which has more",
            attribute);
      } else {
        findings.require(
            numbers.add(attribute.number()), attribute, "%s: its number is taken", attribute);
      }
    }
  }

  private static void requireConsistent(DeviceType type, Attribute attribute, Findings findings) {
    findings.require(
        type.groups().contains(attribute.group()),
        attribute,
        "%s: the type does not declare its group",
        attribute);
    findings.require(
        !attribute.name().isBlank() && !attribute.summary().isBlank(),
        attribute,
        "%s has no name or no summary",
        attribute);
    findings.require(
        attribute.size() > 0 || attribute.access() == Access.WRITE,
        attribute,
        "%s has no data, so there is nothing to read: declare it a request",
        attribute);
    findings.require(
        !attribute.access().reads() || type.has(Operation.GET_ATTR),
        attribute,
        "%s can be read, but the type declares no GET_ATTR",
        attribute);
    findings.require(
        !attribute.access().writes() || type.has(Operation.SET_ATTR),
        attribute,
        "%s can be written, but the type declares no SET_ATTR",
        attribute);
    findings.require(
        !attribute.isKeyed()
            || Long.compareUnsigned(attribute.firstKey(), attribute.lastKey()) <= 0,
        attribute,
        "%s: its first number is above its last",
        attribute);
  }

  private static void requireRule(DeviceType type, Departure departure, Findings findings) {
    findings.require(
        departure.rule().startsWith(DOCUMENTED)
            || Conformance.rules().stream().anyMatch(rule -> rule.name().equals(departure.rule())),
        type,
        "a departure names the rule %s; it is documented_… where the type does otherwise than its"
            + " own document, or one of: %s",
        departure.rule(),
        Conformance.rules().stream().map(Rule::name).toList());
    findings.require(
        !departure.what().isBlank() && !departure.source().isBlank(),
        type,
        "the departure from %s does not say what happens instead, or where that is written",
        departure.rule());
  }
}
