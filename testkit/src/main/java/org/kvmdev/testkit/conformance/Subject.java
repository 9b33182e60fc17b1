package org.kvmdev.testkit.conformance;

import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.Completeness;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Kvm;

/**
 * One device type that is held to the rules: its provider, the host that its VMs are made on, and
 * how it is brought up. Rules share what is found out about it.
 */
public final class Subject {
  private final DeviceProvider provider;
  private final DeviceType type;
  private final Host host;
  private final Options options;
  private final Object gate = new Object();
  private @Nullable Samples samples;
  private @Nullable PluggedPorts ports;
  private @Nullable Result creation;
  private @Nullable Boolean guestRuns;

  private Subject(DeviceProvider provider, DeviceType type, Host host, Options options) {
    this.provider = provider;
    this.type = type;
    this.host = host;
    this.options = options;
  }

  /**
   * A type on a given host.
   *
   * @param provider the provider
   * @param type one of its types
   * @param host the host that VMs are made on
   * @param options what the descriptors do not say
   * @return the subject
   */
  public static Subject of(DeviceProvider provider, DeviceType type, Host host, Options options) {
    return new Subject(provider, type, host, options);
  }

  /**
   * A type on a host that has it: the first of the provider's own, or a neutral one.
   *
   * @param provider the provider
   * @param type one of its types
   * @param options what the descriptors do not say
   * @return the subject
   */
  public static Subject of(DeviceProvider provider, DeviceType type, Options options) {
    return of(provider, type, hostOf(provider, type), options);
  }

  private static Host hostOf(DeviceProvider provider, DeviceType type) {
    for (Host host : provider.hosts()) {
      boolean served =
          provider.architectures().isEmpty()
              || provider.architectures().contains(host.architecture());
      if (served
          && (type.number() >= DeviceType.FIRST_THIRD_PARTY
              || host.numbers("devices").contains((long) type.number()))) {
        return host;
      }
    }
    return NeutralHost.of(provider, ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * The type's provider.
   *
   * @return the provider
   */
  public DeviceProvider provider() {
    return provider;
  }

  /**
   * The type.
   *
   * @return its declaration
   */
  public DeviceType type() {
    return type;
  }

  /**
   * The host that VMs are made on.
   *
   * @return the host
   */
  public Host host() {
    return host;
  }

  Options options() {
    return options;
  }

  boolean declaresState() {
    return type.completeness() != Completeness.NONE;
  }

  /** A VM with its vCPUs, and no device. */
  Bench emptyBench(Journal journal) throws KvmException {
    Kvm kvm = Kvm.of(List.of(new ObservedProvider(provider, journal)));
    return new Bench(this, kvm, options.vcpus(), true);
  }

  /** A VM with a device that was made, and not brought up. */
  Bench rawBench(Journal journal) throws KvmException {
    return made(emptyBench(journal), false);
  }

  /** A device that was brought up, and is watched. */
  Bench bench(Journal journal) throws KvmException {
    return made(emptyBench(journal), true);
  }

  /** A device that was brought up. */
  Bench bench() throws KvmException {
    return bench(options.vcpus());
  }

  private Bench bench(int vcpus) throws KvmException {
    return made(new Bench(this, Kvm.of(List.of(provider)), vcpus, false), true);
  }

  /** A device that a state can be restored into. */
  Bench restoreTarget(int vcpus) throws KvmException {
    Bench bench = new Bench(this, Kvm.of(List.of(provider)), vcpus, false);
    made(bench, false);
    options.restoreTarget().bringUp(bench);
    return bench;
  }

  /** A VM with its vCPUs and no device; what is made in it is not watched, and can be saved. */
  Bench bareBench() throws KvmException {
    return new Bench(this, Kvm.of(List.of(provider)), options.vcpus(), false);
  }

  private Bench made(Bench bench, boolean up) throws KvmException {
    try {
      bench.create();
      if (up) {
        options.bringUp().bringUp(bench);
      }
      return bench;
    } catch (KvmException | RuntimeException | Error refusal) {
      bench.close();
      throw refusal;
    }
  }

  /** The numbers of each attribute that rules try. */
  synchronized Samples samples() {
    Samples known = samples;
    if (known == null) {
      try (Bench bench = bench()) {
        known = new Samples(this, bench);
      } catch (KvmException e) {
        throw new IllegalStateException("the device cannot be brought up: " + e.getMessage(), e);
      }
      samples = known;
    }
    return known;
  }

  /** What the type's family plugs into a VM. */
  synchronized PluggedPorts ports() {
    PluggedPorts known = ports;
    if (known == null) {
      known = PluggedPorts.of(this);
      ports = known;
    }
    return known;
  }

  /** The group numbers that the type does not have. */
  List<Integer> unknownGroups() {
    List<Integer> unknown = new ArrayList<>(List.of(0, 7, 99, 0x4000_0fff, Integer.MIN_VALUE, -1));
    type.groups().forEach(group -> unknown.add(group.number() + 1));
    unknown.removeIf(number -> type.groups().stream().anyMatch(g -> g.number() == number));
    return unknown.stream().distinct().toList();
  }

  /** The attributes of a type with given access. */
  List<Attribute> attributes(Predicate<Attribute> which) {
    return type.attributes().stream().filter(which).toList();
  }

  /**
   * The same type on a neutral host of the other byte order; null where the type's provider ships
   * hosts, since what a family answers may be its hosts'.
   */
  @Nullable Subject onOtherByteOrder() {
    if (!provider.hosts().isEmpty()) {
      return null;
    }
    ByteOrder order =
        host.byteOrder() == ByteOrder.LITTLE_ENDIAN
            ? ByteOrder.BIG_ENDIAN
            : ByteOrder.LITTLE_ENDIAN;
    return of(provider, type, NeutralHost.of(provider, order), options);
  }

  /** Whether a guest can run once the device is brought up; where not, trying may kill the VM. */
  synchronized boolean guestRuns() {
    Boolean known = guestRuns;
    if (known == null) {
      try (Bench bench = bench()) {
        bench.run();
        known = !bench.typedVm().isDead();
      } catch (KvmException e) {
        known = false;
      }
      guestRuns = known;
    }
    return known;
  }

  /** What came of making a device, which is tried once. */
  Result creation() {
    synchronized (gate) {
      Result known = creation;
      if (known == null) {
        known = Conformance.run(this, CreationRules.IS_CREATED);
        creation = known;
      }
      return known;
    }
  }
}
