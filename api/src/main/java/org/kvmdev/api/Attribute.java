package org.kvmdev.api;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.register.RegisterMap;

/**
 * One attribute, declared once: its place, data size, access, when it can be accessed, what
 * accessing it does, and where that is written. HAS, GET and SET, descriptions, snapshots and the
 * conformance rules derive from it.
 *
 * <p>An attribute either has a number of its own in its group, or stands for many {@code attr} of
 * the group (a register by offset, a source by number).
 */
public final class Attribute {
  private final AttributeGroup group;
  private final @Nullable Long number;
  private final String name;
  private final String summary;
  private final int size;
  private final Access access;
  private final boolean readsBeforeGet;
  private final long firstKey;
  private final long lastKey;
  private final List<RegisterMap<?>> registers;
  private final String when;
  private final String effects;
  private final String source;
  private final List<Departure> departures;

  private Attribute(Builder builder) {
    group = builder.group;
    number = builder.number;
    name = builder.name;
    summary = builder.summary;
    size = builder.size;
    access = builder.access;
    readsBeforeGet = builder.readsBeforeGet;
    firstKey = builder.firstKey;
    lastKey = builder.lastKey;
    registers = List.copyOf(builder.registers);
    when = builder.when;
    effects = builder.effects;
    source = builder.source;
    departures = List.copyOf(builder.departures);
  }

  private Attribute(Attribute other, List<? extends RegisterMap<?>> maps) {
    group = other.group;
    number = other.number;
    name = other.name;
    summary = other.summary;
    size = other.size;
    access = other.access;
    readsBeforeGet = other.readsBeforeGet;
    firstKey = other.firstKey;
    lastKey = other.lastKey;
    registers = List.copyOf(maps);
    when = other.when;
    effects = other.effects;
    source = other.source;
    departures = other.departures;
  }

  /**
   * Begins the declaration of an attribute with a number of its own.
   *
   * @param group its group
   * @param number its number in the group
   * @param name its name in the kernel's headers
   * @param summary a sentence
   * @return a builder
   */
  public static Builder of(AttributeGroup group, long number, String name, String summary) {
    return new Builder(group, number, name, summary);
  }

  /**
   * Begins the declaration of an attribute that stands for every {@code attr} of its group, or for
   * those that {@link Builder#keys} says; the device refuses those of them that name nothing.
   *
   * @param group its group
   * @param name what one such number names: {@code register}, {@code source}
   * @param summary a sentence
   * @return a builder
   */
  public static Builder keyed(AttributeGroup group, String name, String summary) {
    return new Builder(group, null, name, summary);
  }

  /**
   * The attribute's group.
   *
   * @return the group
   */
  public AttributeGroup group() {
    return group;
  }

  /**
   * Whether the attribute stands for every number of its group.
   *
   * @return false where it has a number of its own
   */
  public boolean isKeyed() {
    return number == null;
  }

  /**
   * The attribute's own number.
   *
   * @return the number
   * @throws IllegalStateException where it is keyed
   */
  public long number() {
    if (number == null) {
      throw new IllegalStateException(name + " stands for every attr of " + group);
    }
    return number;
  }

  /**
   * The attribute's name.
   *
   * @return the kernel headers' name, or what a keyed attribute's number names
   */
  public String name() {
    return name;
  }

  /**
   * What the attribute is.
   *
   * @return a sentence
   */
  public String summary() {
    return summary;
  }

  /**
   * The data's size in bytes.
   *
   * @return 0 where SET alone is the request; up to 8: a number; more: a structure
   */
  public int size() {
    return size;
  }

  /**
   * Which of GET and SET there are.
   *
   * @return the access
   */
  public Access access() {
    return access;
  }

  /**
   * Whether GET reads the caller's buffer before it answers, since the buffer says what is asked.
   *
   * @return true where it does
   */
  public boolean readsBeforeGet() {
    return readsBeforeGet;
  }

  /**
   * The lowest number that a keyed attribute stands for.
   *
   * @return the lowest valid {@code attr}
   */
  public long firstKey() {
    return number == null ? firstKey : number;
  }

  /**
   * The highest number that a keyed attribute stands for.
   *
   * @return the highest valid {@code attr}, unsigned
   */
  public long lastKey() {
    return number == null ? lastKey : number;
  }

  /**
   * The registers that a keyed attribute reaches by their offset, a map for each part of the
   * device.
   *
   * @return the maps; empty where it reaches no registers
   */
  public List<RegisterMap<?>> registers() {
    return registers;
  }

  /**
   * The same attribute of a device type that has other registers: another model, say.
   *
   * @param maps the registers, a map for each part of the device
   * @return an attribute that differs in its registers alone
   */
  public Attribute withRegisters(List<? extends RegisterMap<?>> maps) {
    return new Attribute(this, maps);
  }

  /**
   * When the attribute can be accessed, and what it answers otherwise.
   *
   * @return a sentence; empty where it is at any time
   */
  public String when() {
    return when;
  }

  /**
   * What an access does beside moving data.
   *
   * @return a sentence; empty where nothing
   */
  public String effects() {
    return effects;
  }

  /**
   * Where all this is written.
   *
   * @return a kernel document, or a manual's section
   */
  public String source() {
    return source;
  }

  /**
   * Where the attribute does otherwise than the API's general rules.
   *
   * @return the departures, each with its source
   */
  public List<Departure> departures() {
    return departures;
  }

  @Override
  public String toString() {
    return group + "/" + name;
  }

  /** Declares an attribute; without more it is 4 bytes, read and written. */
  public static final class Builder {
    private final AttributeGroup group;
    private final @Nullable Long number;
    private final String name;
    private final String summary;
    private final List<Departure> departures = new ArrayList<>();
    private int size = 4;
    private Access access = Access.READ_WRITE;
    private boolean readsBeforeGet;
    private long firstKey;
    private long lastKey = -1;
    private final List<RegisterMap<?>> registers = new ArrayList<>();
    private String when = "";
    private String effects = "";
    private String source = "";

    private Builder(AttributeGroup group, @Nullable Long number, String name, String summary) {
      this.group = group;
      this.number = number;
      this.name = name;
      this.summary = summary;
    }

    /**
     * The data's size.
     *
     * @param bytes 0, 1, 2, 4, 8 for a number; any more for a structure
     * @return this
     */
    public Builder size(int bytes) {
      if (bytes < 0 || bytes < 8 && bytes != 0 && Integer.bitCount(bytes) != 1) {
        throw new IllegalArgumentException(
            name + ": a size of " + bytes + " is neither 0, 1, 2, 4, 8 nor a larger structure's");
      }
      size = bytes;
      return this;
    }

    /**
     * A request without data: SET does it, GET does not exist.
     *
     * @return this
     */
    public Builder request() {
      access = Access.WRITE;
      return size(0);
    }

    /**
     * Which of GET and SET there are.
     *
     * @param which the access
     * @return this
     */
    public Builder access(Access which) {
      access = which;
      return this;
    }

    /**
     * GET reads the caller's buffer before it answers.
     *
     * @return this
     */
    public Builder readsBeforeGet() {
      readsBeforeGet = true;
      return this;
    }

    /**
     * The numbers that a keyed attribute stands for; all others answer as the group says of unknown
     * ones. Without, it stands for every number, and the device refuses.
     *
     * @param first the lowest
     * @param last the highest, unsigned
     * @return this
     */
    public Builder keys(long first, long last) {
      firstKey = first;
      lastKey = last;
      return this;
    }

    /**
     * Adds registers that a keyed attribute reaches by their offset.
     *
     * @param map the registers of a part of the device
     * @return this
     */
    public Builder registers(RegisterMap<?> map) {
      registers.add(map);
      return this;
    }

    /**
     * When the attribute can be accessed.
     *
     * @param sentence that, and what it answers otherwise
     * @return this
     */
    public Builder when(String sentence) {
      when = sentence;
      return this;
    }

    /**
     * What an access does beside moving data.
     *
     * @param sentence that
     * @return this
     */
    public Builder effects(String sentence) {
      effects = sentence;
      return this;
    }

    /**
     * Where all this is written.
     *
     * @param place a kernel document, or a manual's section
     * @return this
     */
    public Builder source(String place) {
      source = place;
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
     * Ends the declaration.
     *
     * @return the attribute
     */
    public Attribute build() {
      return new Attribute(this);
    }
  }
}
