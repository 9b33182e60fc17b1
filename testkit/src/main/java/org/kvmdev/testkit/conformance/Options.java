package org.kvmdev.testkit.conformance;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.ioctl.KvmProcess;

/**
 * What the descriptors do not say and a check must know: how a device is brought up, which numbers
 * are valid, and what a device author declares it cannot do. Objects do not change; each method
 * answers another.
 *
 * <pre>{@code
 * Options.DEFAULT.vcpus(4).bringUp(bench -> bench.set(GROUP, BASE_ADDR, 8, 0x1000_0000L))
 * }</pre>
 */
public final class Options {
  /** Two vCPUs, nothing brought up, no limits, the usual seed. */
  public static final Options DEFAULT = new Options();

  private final long seed;
  private final int vcpus;
  private final BringUp bringUp;
  private final BringUp restoreTarget;
  private final Duration timeLimit;
  private final Map<String, String> limits;
  private final Map<Attribute, List<Long>> keys;
  private final Caller caller;
  private final int effort;

  /** How requests reach the process; tests of the kit put a broken KVM between. */
  @FunctionalInterface
  interface Caller {
    /** As {@link KvmProcess#ioctl}. */
    long ioctl(KvmProcess process, int fd, int request, long argument) throws KvmException;
  }

  private Options() {
    this(
        0x6b766d_646576L,
        2,
        BringUp.NONE,
        BringUp.NONE,
        Duration.ofSeconds(20),
        Map.of(),
        Map.of(),
        KvmProcess::ioctl,
        100);
  }

  private Options(
      long seed,
      int vcpus,
      BringUp bringUp,
      BringUp restoreTarget,
      Duration timeLimit,
      Map<String, String> limits,
      Map<Attribute, List<Long>> keys,
      Caller caller,
      int effort) {
    this.seed = seed;
    this.vcpus = vcpus;
    this.bringUp = bringUp;
    this.restoreTarget = restoreTarget;
    this.timeLimit = timeLimit;
    this.limits = limits;
    this.keys = keys;
    this.caller = caller;
    this.effort = effort;
  }

  /**
   * With another seed, to repeat what a report printed or to look elsewhere.
   *
   * @param number where random numbers begin
   * @return other options
   */
  public Options seed(long number) {
    return new Options(
        number, vcpus, bringUp, restoreTarget, timeLimit, limits, keys, caller, effort);
  }

  /**
   * With another number of vCPUs, which are made before the device and have the ids from 0.
   *
   * @param number how many; at least 1
   * @return other options
   */
  public Options vcpus(int number) {
    return new Options(
        seed, number, bringUp, restoreTarget, timeLimit, limits, keys, caller, effort);
  }

  /**
   * With a way to bring a device up; one that a state is restored into is brought up alike.
   *
   * @param how what is done once the device is made
   * @return other options
   */
  public Options bringUp(BringUp how) {
    return new Options(seed, vcpus, how, how, timeLimit, limits, keys, caller, effort);
  }

  /**
   * With another way to make a device ready for a state to be restored, where the state has what
   * {@link #bringUp} sets once.
   *
   * @param how what is done once the device is made
   * @return other options
   */
  public Options restoreTarget(BringUp how) {
    return new Options(seed, vcpus, bringUp, how, timeLimit, limits, keys, caller, effort);
  }

  /**
   * With another limit for each rule; one that takes longer fails.
   *
   * @param limit the longest that a rule may take
   * @return other options
   */
  public Options timeLimit(Duration limit) {
    return new Options(seed, vcpus, bringUp, restoreTarget, limit, limits, keys, caller, effort);
  }

  /**
   * With a rule that is not asked.
   *
   * @param rule the rule's name
   * @param reason why not, for whoever reads the report
   * @return other options
   * @throws IllegalArgumentException where there is no such rule; the message says which there are
   */
  public Options limit(String rule, String reason) {
    Conformance.rule(rule);
    Map<String, String> more = new LinkedHashMap<>(limits);
    more.put(rule, reason);
    return new Options(
        seed, vcpus, bringUp, restoreTarget, timeLimit, Map.copyOf(more), keys, caller, effort);
  }

  /**
   * With numbers that name something of an attribute that stands for many, where neither its
   * registers nor its state tell any.
   *
   * @param attribute the attribute
   * @param valid numbers of its group that are valid once the device is brought up
   * @return other options
   */
  public Options keys(Attribute attribute, long... valid) {
    List<Long> list = new ArrayList<>();
    for (long key : valid) {
      list.add(key);
    }
    Map<Attribute, List<Long>> more = new LinkedHashMap<>(keys);
    more.put(attribute, List.copyOf(list));
    return new Options(
        seed, vcpus, bringUp, restoreTarget, timeLimit, limits, Map.copyOf(more), caller, effort);
  }

  /** With a KVM of the kit's own tests. */
  Options caller(Caller other) {
    return new Options(seed, vcpus, bringUp, restoreTarget, timeLimit, limits, keys, other, effort);
  }

  /** With more or less of what is tried at random, for the kit's own tests. */
  Options effort(int percent) {
    return new Options(
        seed, vcpus, bringUp, restoreTarget, timeLimit, limits, keys, caller, percent);
  }

  /** How many times something is tried. */
  int times(int usual) {
    return (int) Math.max(1, (long) usual * effort / 100);
  }

  long seed() {
    return seed;
  }

  int vcpus() {
    return vcpus;
  }

  BringUp bringUp() {
    return bringUp;
  }

  BringUp restoreTarget() {
    return restoreTarget;
  }

  Duration timeLimit() {
    return timeLimit;
  }

  Map<String, String> limits() {
    return limits;
  }

  List<Long> keys(Attribute attribute) {
    return keys.getOrDefault(attribute, List.of());
  }

  Caller caller() {
    return caller;
  }
}
