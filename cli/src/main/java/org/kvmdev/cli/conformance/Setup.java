package org.kvmdev.cli.conformance;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.KvmException;
import org.kvmdev.testkit.conformance.Bench;
import org.kvmdev.testkit.conformance.Conformance;
import org.kvmdev.testkit.conformance.Options;
import org.kvmdev.testkit.conformance.Rule;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;

/**
 * What the command line says of a check: which rules, from which seed, and how a device is brought
 * up. The child's command line has the same options, so that they are passed on as they were given.
 */
public final class Setup {
  @Option(
      names = "--rule",
      paramLabel = "RULE",
      description = "Only this rule, by its id (A05) or name; may be given more than once.")
  private List<String> wanted = new ArrayList<>();

  @Option(
      names = "--seed",
      paramLabel = "N",
      converter = Number.class,
      description = "Where random numbers begin, to repeat what a report printed.")
  private @Nullable Long seed;

  @Option(
      names = "--rule-timeout",
      paramLabel = "SECONDS",
      defaultValue = "20",
      description = "The longest that loading, or one rule, may take (${DEFAULT-VALUE}).")
  private int ruleSeconds;

  @Option(
      names = "--vcpus",
      paramLabel = "N",
      defaultValue = "2",
      description = "How many vCPUs a VM has (${DEFAULT-VALUE}).")
  private int vcpus;

  @Option(
      names = "--connect",
      paramLabel = "CAP",
      converter = Number.class,
      description =
          "Brings a device up: KVM_ENABLE_CAP of this number on each vCPU, with the device's file"
              + " and the vCPU's id.")
  private List<Long> capabilities = new ArrayList<>();

  @Option(
      names = "--set",
      paramLabel = "ATTR[=VALUE]",
      description =
          "Brings a device up: KVM_SET_DEVICE_ATTR of an attribute, by its name or as GROUP/ATTR,"
              + " after --connect and in the order given. Without a value: a request.")
  private List<String> sets = new ArrayList<>();

  @Option(
      names = "--limit",
      paramLabel = "RULE=REASON",
      description = "Declares that a rule cannot be asked, and why; the report shows it.")
  private List<String> limits = new ArrayList<>();

  /** A number in decimal or, from 0x, in hexadecimal; all 64 bits. */
  static final class Number implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
      return parse(text);
    }

    static long parse(String text) {
      return text.startsWith("0x")
          ? Long.parseUnsignedLong(text.substring(2), 16)
          : Long.parseLong(text);
    }
  }

  /**
   * The rules that are asked.
   *
   * @return all, or those that were named, in their own order
   * @throws IllegalArgumentException where there is no such rule; the message says which there are
   */
  public List<Rule> rules() {
    if (wanted.isEmpty()) {
      return Conformance.rules();
    }
    List<Rule> named = wanted.stream().map(Conformance::rule).toList();
    return Conformance.rules().stream().filter(named::contains).toList();
  }

  /**
   * Looks at what was given before anything is started.
   *
   * @throws IllegalArgumentException where it cannot be; the message says what would be right
   */
  public void check() {
    rules();
    limited(Options.DEFAULT);
    sets.forEach(Setup::parse);
    if (vcpus < 1 || ruleSeconds < 1) {
      throw new IllegalArgumentException("--vcpus and --rule-timeout are at least 1");
    }
  }

  Duration ruleLimit() {
    return Duration.ofSeconds(ruleSeconds);
  }

  /** What a type's check is made with. */
  Options options(DeviceType type) {
    Options options =
        limited(Options.DEFAULT)
            .vcpus(vcpus)
            .timeLimit(ruleLimit())
            .bringUp(bench -> bringUp(bench, type));
    return seed == null ? options : options.seed(seed);
  }

  private Options limited(Options options) {
    Options limited = options;
    for (String limit : limits) {
      int equals = limit.indexOf('=');
      if (equals < 1 || equals == limit.length() - 1) {
        throw new IllegalArgumentException(
            "--limit " + limit + ": give it as RULE=REASON, for whoever reads the report");
      }
      Rule rule = Conformance.rule(limit.substring(0, equals));
      limited = limited.limit(rule.name(), limit.substring(equals + 1));
    }
    return limited;
  }

  private void bringUp(Bench bench, DeviceType type) throws KvmException {
    for (long capability : capabilities) {
      for (int id = 0; id < bench.vcpuCount(); id++) {
        bench.enableCapability(id, (int) capability, bench.device(), id);
      }
    }
    for (String text : sets) {
      Value value = parse(text);
      Optional<Attribute> attribute = value.of(type);
      if (attribute.isPresent()) {
        bench.set(
            bench.device(),
            attribute.get().group().number(),
            value.attr(attribute.get()),
            attribute.get().size(),
            value.number);
      }
    }
  }

  /** The first {@code --set} that none of some types has. */
  Optional<String> unknown(List<DeviceType> types) {
    return sets.stream()
        .filter(text -> types.stream().noneMatch(type -> parse(text).of(type).isPresent()))
        .findFirst();
  }

  /** One {@code --set}: an attribute by its name, or by a group's number and its own. */
  private record Value(String name, int group, long attr, long number) {
    Optional<Attribute> of(DeviceType type) {
      return type.attributes().stream().filter(this::is).findFirst();
    }

    private boolean is(Attribute attribute) {
      return name.isEmpty()
          ? attribute.group().number() == group
              && Long.compareUnsigned(attribute.firstKey(), attr) <= 0
              && Long.compareUnsigned(attr, attribute.lastKey()) <= 0
          : attribute.name().equals(name);
    }

    long attr(Attribute attribute) {
      return name.isEmpty() ? attr : attribute.firstKey();
    }
  }

  private static Value parse(String text) {
    int equals = text.indexOf('=');
    String place = equals < 0 ? text : text.substring(0, equals);
    int slash = place.indexOf('/');
    try {
      long number = equals < 0 ? 0 : Number.parse(text.substring(equals + 1));
      return slash < 0
          ? new Value(place, 0, 0, number)
          : new Value(
              "",
              (int) Number.parse(place.substring(0, slash)),
              Number.parse(place.substring(slash + 1)),
              number);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "--set " + text + ": give it as NAME=VALUE or GROUP/ATTR=VALUE, numbers in decimal or 0x",
          e);
    }
  }

  /** The same options for a child's command line. */
  List<String> arguments() {
    List<String> arguments = new ArrayList<>();
    wanted.forEach(each -> arguments.addAll(List.of("--rule", each)));
    if (seed != null) {
      arguments.addAll(List.of("--seed", seed.toString()));
    }
    arguments.addAll(List.of("--rule-timeout", Integer.toString(ruleSeconds)));
    arguments.addAll(List.of("--vcpus", Integer.toString(vcpus)));
    capabilities.forEach(each -> arguments.addAll(List.of("--connect", each.toString())));
    sets.forEach(each -> arguments.addAll(List.of("--set", each)));
    limits.forEach(each -> arguments.addAll(List.of("--limit", each)));
    return arguments;
  }

  /**
   * The command that repeats one rule's check.
   *
   * @param rule the rule
   * @return the command line, but for the jar
   */
  public String again(Rule rule) {
    List<String> words = new ArrayList<>(List.of("kvmdev", "test", "--rule", rule.id()));
    if (seed != null) {
      words.addAll(List.of("--seed", "0x" + Long.toHexString(seed)));
    }
    if (vcpus != 2) {
      words.addAll(List.of("--vcpus", Integer.toString(vcpus)));
    }
    capabilities.forEach(each -> words.addAll(List.of("--connect", each.toString())));
    sets.forEach(each -> words.addAll(List.of("--set", each)));
    return String.join(" ", words);
  }
}
