package org.kvmdev.api;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A device type, declared: its number and names, which operations it has, how many may exist, how
 * long one lives, its attributes, and how much of its state they hold.
 *
 * <p>Numbers below {@link #FIRST_THIRD_PARTY} are the kernel's (include/uapi/linux/kvm.h); third
 * parties take theirs from there up, since KVM itself has no vendor range.
 */
public final class DeviceType {
  /** The lowest type number that is not the kernel's to give. */
  public static final int FIRST_THIRD_PARTY = 0x4000_0000;

  private final int number;
  private final String name;
  private final String fileName;
  private final String summary;
  private final Set<Operation> operations;
  // The same: asked at every call, where a set's look-up would be a third of the cost.
  private final int operationBits;
  private final @Nullable InstanceLimit limit;
  private final Lifetime lifetime;
  private final Completeness completeness;
  private final List<AttributeGroup> groups;
  private final List<Attribute> attributes;
  private final List<Departure> departures;
  private final String source;

  private DeviceType(Builder builder) {
    number = builder.number;
    name = builder.name;
    fileName = builder.fileName;
    summary = builder.summary;
    operations = Set.copyOf(builder.operations);
    operationBits = operations.stream().mapToInt(each -> 1 << each.ordinal()).sum();
    limit = builder.limit;
    lifetime = builder.lifetime;
    completeness = builder.completeness;
    groups = List.copyOf(builder.groups);
    attributes = List.copyOf(builder.attributes);
    departures = List.copyOf(builder.departures);
    source = builder.source;
  }

  /**
   * Begins a declaration.
   *
   * @param number the number that KVM_CREATE_DEVICE takes
   * @param name the name in the kernel's headers, {@code KVM_DEV_TYPE_…}
   * @param fileName the name of a device's file, {@code kvm-mpic}
   * @param summary a sentence
   * @return a builder; without more, a type has the three accessors, lives until its VM ends, may
   *     exist any number of times, and has no attributes
   */
  public static Builder of(int number, String name, String fileName, String summary) {
    return new Builder(number, name, fileName, summary);
  }

  /**
   * The type's number.
   *
   * @return what KVM_CREATE_DEVICE takes
   */
  public int number() {
    return number;
  }

  /**
   * The type's number as people write it.
   *
   * @return a kernel's number in decimal, a third party's in hexadecimal
   */
  public String numberText() {
    return number < FIRST_THIRD_PARTY
        ? Integer.toString(number)
        : "0x" + Integer.toHexString(number);
  }

  /**
   * The type's name.
   *
   * @return the kernel headers' name
   */
  public String name() {
    return name;
  }

  /**
   * The name of a device's file, as {@code anon_inode:} shows it.
   *
   * @return the name
   */
  public String fileName() {
    return fileName;
  }

  /**
   * What such a device is.
   *
   * @return a sentence
   */
  public String summary() {
    return summary;
  }

  /**
   * The operations that the type has.
   *
   * @return the operations; others are refused before anything is read
   */
  public Set<Operation> operations() {
    return operations;
  }

  /**
   * Whether the type has an operation.
   *
   * @param operation which
   * @return true where it has
   */
  public boolean has(Operation operation) {
    return (operationBits & 1 << operation.ordinal()) != 0;
  }

  /**
   * How many such devices a VM may have.
   *
   * @return the limit; empty where there is none
   */
  public Optional<InstanceLimit> limit() {
    return Optional.ofNullable(limit);
  }

  /**
   * How long a device lives.
   *
   * @return the lifetime
   */
  public Lifetime lifetime() {
    return lifetime;
  }

  /**
   * How much of a device's state is enumerated.
   *
   * @return the completeness
   */
  public Completeness completeness() {
    return completeness;
  }

  /**
   * The attribute groups.
   *
   * @return the groups
   */
  public List<AttributeGroup> groups() {
    return groups;
  }

  /**
   * The attributes of all groups.
   *
   * @return the attributes
   */
  public List<Attribute> attributes() {
    return attributes;
  }

  /**
   * Where the type does otherwise than the API's general rules, its groups' and attributes'
   * included.
   *
   * @return the departures, each with its source
   */
  public List<Departure> departures() {
    List<Departure> all = new ArrayList<>(departures);
    groups.forEach(g -> all.addAll(g.departures()));
    attributes.forEach(a -> all.addAll(a.departures()));
    return all;
  }

  /**
   * Where the type is documented.
   *
   * @return a manual or a kernel document
   */
  public String source() {
    return source;
  }

  @Override
  public String toString() {
    return name;
  }

  /** Declares a device type. */
  public static final class Builder {
    private final int number;
    private final String name;
    private final String fileName;
    private final String summary;
    private final List<Departure> departures = new ArrayList<>();
    private Set<Operation> operations =
        EnumSet.of(Operation.SET_ATTR, Operation.GET_ATTR, Operation.HAS_ATTR);
    private @Nullable InstanceLimit limit;
    private Lifetime lifetime = Lifetime.VM;
    private Completeness completeness = Completeness.NONE;
    private List<AttributeGroup> groups = List.of();
    private List<Attribute> attributes = List.of();
    private String source = "";

    private Builder(int number, String name, String fileName, String summary) {
      this.number = number;
      this.name = name;
      this.fileName = fileName;
      this.summary = summary;
    }

    /**
     * Which operations the type has.
     *
     * @param which these and no others
     * @return this
     */
    public Builder operations(Operation... which) {
      operations = EnumSet.noneOf(Operation.class);
      operations.addAll(List.of(which));
      return this;
    }

    /**
     * How many such devices a VM may have.
     *
     * @param group the exclusion group
     * @param most how many of the group a VM may have
     * @param refusal the errno of one too many
     * @return this
     */
    public Builder limit(String group, int most, Errno refusal) {
      limit = new InstanceLimit(group, most, refusal);
      return this;
    }

    /**
     * How long a device lives.
     *
     * @param span the lifetime
     * @return this
     */
    public Builder lifetime(Lifetime span) {
      lifetime = span;
      return this;
    }

    /**
     * How much of a device's state its family's {@link org.kvmdev.api.machine.StateSource}
     * enumerates.
     *
     * @param extent the completeness
     * @return this
     */
    public Builder state(Completeness extent) {
      completeness = extent;
      return this;
    }

    /**
     * The type's attributes.
     *
     * @param table the table that also dispatches them
     * @return this
     */
    public Builder attributes(AttributeTable<?> table) {
      groups = table.groups();
      attributes = table.attributes();
      return this;
    }

    /**
     * The type's attributes, of a device that dispatches them itself.
     *
     * @param declaredGroups its groups
     * @param declaredAttributes their attributes
     * @return this
     */
    public Builder attributes(
        List<AttributeGroup> declaredGroups, List<Attribute> declaredAttributes) {
      groups = declaredGroups;
      attributes = declaredAttributes;
      return this;
    }

    /**
     * Declares a departure from the API's general rules.
     *
     * @param rule the rule's name
     * @param what what happens instead, a sentence
     * @param origin where that is written or was recorded
     * @return this
     */
    public Builder departs(String rule, String what, String origin) {
      departures.add(new Departure(rule, what, origin));
      return this;
    }

    /**
     * Where the type is documented.
     *
     * @param place a manual or a kernel document
     * @return this
     */
    public Builder source(String place) {
      source = place;
      return this;
    }

    /**
     * Ends the declaration.
     *
     * @return the type
     */
    public DeviceType build() {
      return new DeviceType(this);
    }
  }
}
