package org.kvmdev.api;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A group of attributes: its number and name, what its 64-bit {@code attr} encodes, and what HAS,
 * GET and SET answer for a number that names no attribute of the group, each apart.
 */
public final class AttributeGroup {
  private final int number;
  private final String name;
  private final String summary;
  private final List<KeyField> fields;
  private final @Nullable Errno unknownHas;
  private final @Nullable Errno unknownGet;
  private final @Nullable Errno unknownSet;
  private final boolean memoryFirst;
  private final long getMask;
  private final List<Departure> departures;

  private AttributeGroup(Builder builder) {
    number = builder.number;
    name = builder.name;
    summary = builder.summary;
    fields = List.copyOf(builder.fields);
    unknownHas = builder.unknownHas;
    unknownGet = builder.unknownGet;
    unknownSet = builder.unknownSet;
    memoryFirst = builder.memoryFirst;
    getMask = builder.getMask;
    departures = List.copyOf(builder.departures);
  }

  /**
   * Begins a declaration.
   *
   * @param number the group's number in {@code struct kvm_device_attr}
   * @param name its name in the kernel's headers
   * @param summary a sentence
   * @return a builder; a number that names no attribute answers ENXIO unless it says otherwise
   */
  public static Builder of(int number, String name, String summary) {
    return new Builder(number, name, summary);
  }

  /**
   * The group's number.
   *
   * @return the {@code group} field that selects it
   */
  public int number() {
    return number;
  }

  /**
   * The group's name.
   *
   * @return the kernel headers' name
   */
  public String name() {
    return name;
  }

  /**
   * What the group is for.
   *
   * @return a sentence
   */
  public String summary() {
    return summary;
  }

  /**
   * What the {@code attr} number encodes, highest field first.
   *
   * @return the fields; empty where {@code attr} is the attribute's own number
   */
  public List<KeyField> fields() {
    return fields;
  }

  /**
   * What HAS answers for a number that names no attribute.
   *
   * @return the errno, or null for success
   */
  public @Nullable Errno unknownHas() {
    return unknownHas;
  }

  /**
   * What GET answers for a number that names no attribute.
   *
   * @return the errno, or null for success
   */
  public @Nullable Errno unknownGet() {
    return unknownGet;
  }

  /**
   * What SET answers for a number that names no attribute.
   *
   * @return the errno, or null for success
   */
  public @Nullable Errno unknownSet() {
    return unknownSet;
  }

  /**
   * How many bytes SET reads before it finds that a number names no attribute.
   *
   * @return true where EFAULT comes before the answer for an unknown number; the size is that of
   *     the group's attributes
   */
  public boolean memoryFirst() {
    return memoryFirst;
  }

  /**
   * Which bits of the {@code attr} number GET looks at; HAS and SET look at all.
   *
   * @return a mask
   */
  public long getMask() {
    return getMask;
  }

  /**
   * Where the group does otherwise than the API's general rules.
   *
   * @return the departures, each with its source
   */
  public List<Departure> departures() {
    return departures;
  }

  @Override
  public String toString() {
    return name;
  }

  /** Declares a group. */
  public static final class Builder {
    private final int number;
    private final String name;
    private final String summary;
    private final List<KeyField> fields = new ArrayList<>();
    private final List<Departure> departures = new ArrayList<>();
    private @Nullable Errno unknownHas = Errno.ENXIO;
    private @Nullable Errno unknownGet = Errno.ENXIO;
    private @Nullable Errno unknownSet = Errno.ENXIO;
    private boolean memoryFirst;
    private long getMask = -1;

    private Builder(int number, String name, String summary) {
      this.number = number;
      this.name = name;
      this.summary = summary;
    }

    /**
     * Adds a field of the {@code attr} number; the highest first.
     *
     * @param field its name
     * @param high its highest bit
     * @param low its lowest bit
     * @param meaning a sentence
     * @return this
     */
    public Builder field(String field, int high, int low, String meaning) {
      fields.add(new KeyField(field, high, low, meaning));
      return this;
    }

    /**
     * What a number that names no attribute of the group answers.
     *
     * @param has to HAS; null for success
     * @param get to GET; null for success, with nothing written
     * @param set to SET; null for success, with nothing done
     * @return this
     */
    public Builder unknown(@Nullable Errno has, @Nullable Errno get, @Nullable Errno set) {
      unknownHas = has;
      unknownGet = get;
      unknownSet = set;
      return this;
    }

    /**
     * SET reads the data before it looks at the number, so that EFAULT comes first.
     *
     * @return this
     */
    public Builder memoryFirst() {
      memoryFirst = true;
      return this;
    }

    /**
     * GET looks at some bits of the {@code attr} number alone, so that numbers with others set name
     * the same attribute to it.
     *
     * @param mask those bits; they include all of every valid number
     * @return this
     */
    public Builder getMask(long mask) {
      getMask = mask;
      return this;
    }

    /**
     * Declares a departure from the API's general rules.
     *
     * @param rule the rule's name
     * @param what what happens instead, a sentence
     * @param source where that is written or was recorded
     * @return this
     */
    public Builder departs(String rule, String what, String source) {
      departures.add(new Departure(rule, what, source));
      return this;
    }

    /**
     * Ends the declaration.
     *
     * @return the group
     */
    public AttributeGroup build() {
      return new AttributeGroup(this);
    }
  }
}
