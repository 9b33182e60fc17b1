package org.kvmdev.runtime;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Capabilities;

/**
 * The entry: which device types and hosts there are, and VMs made on them. What /dev/kvm is to a
 * process.
 */
public final class Kvm implements AutoCloseable {
  /** KVM_CAP_DEVICE_CTRL: every host has the device-control API. */
  private static final int CAP_DEVICE_CTRL = 89;

  private static final Logger LOG = System.getLogger("org.kvmdev.runtime");

  private final List<Plugin> plugins;
  private final List<DiscoveryFault> faults;
  private final Map<String, Host> hosts = new LinkedHashMap<>();

  private Kvm(Discovery found) {
    this.plugins = found.plugins();
    this.faults = found.faults();
    for (Plugin plugin : plugins) {
      plugin.hosts().forEach(host -> hosts.put(host.name(), host));
    }
  }

  /**
   * With the providers on the module path and the class path. One that cannot be used is a line in
   * the log and among the {@link #faults()}; the rest works.
   *
   * @return the entry
   */
  public static Kvm load() {
    return logged(new Kvm(Discovery.find(null)));
  }

  /**
   * With the providers on the module path, on the class path, and in a folder of plug-ins, as
   * {@link Discovery} describes it. One that cannot be used is a line in the log and among the
   * {@link #faults()}; the rest works.
   *
   * @param pluginFolder the folder of plug-ins
   * @return the entry
   */
  public static Kvm load(Path pluginFolder) {
    return logged(new Kvm(Discovery.find(pluginFolder)));
  }

  /**
   * With given providers and no others.
   *
   * @param providers the providers
   * @return the entry
   * @throws IllegalArgumentException where a provider's declarations do not fit together, or two
   *     claim the same
   */
  public static Kvm of(List<DeviceProvider> providers) {
    Kvm kvm = new Kvm(Discovery.of(providers));
    if (!kvm.faults.isEmpty()) {
      throw new IllegalArgumentException(kvm.faults.getFirst().message());
    }
    return kvm;
  }

  /**
   * With what was found. Its faults are not logged: whoever looks for providers himself tells them
   * himself.
   *
   * @param found what was found
   * @return the entry
   */
  public static Kvm of(Discovery found) {
    return new Kvm(found);
  }

  private static Kvm logged(Kvm kvm) {
    // A text, no pattern: there can be braces in it.
    kvm.faults.forEach(fault -> LOG.log(Level.WARNING, fault.message()));
    return kvm;
  }

  /**
   * The providers that are used.
   *
   * @return them, with what they declare and where they came from, in the order in which they were
   *     found
   */
  public List<Plugin> plugins() {
    return plugins;
  }

  /**
   * What was found and cannot be used.
   *
   * @return the faults; empty where there are none
   */
  public List<DiscoveryFault> faults() {
    return faults;
  }

  /**
   * The hosts that VMs can be made on.
   *
   * @return the hosts, in the order in which their jars were found
   */
  public List<Host> hosts() {
    return List.copyOf(hosts.values());
  }

  /**
   * A host by its name.
   *
   * @param name as {@link Host#name()}
   * @return the host
   * @throws IllegalArgumentException where no jar ships one of that name; the message says which
   *     there are
   */
  public Host host(String name) {
    Host host = hosts.get(name);
    if (host == null) {
      throw new IllegalArgumentException(
          "there is no host "
              + name
              + "; there "
              + (hosts.isEmpty()
                  ? "are none: put a device family's jar on the module path"
                  : "is: " + String.join(", ", hosts.keySet())));
    }
    return host;
  }

  /**
   * The device types that were found.
   *
   * @return the types of all providers
   */
  public List<DeviceType> types() {
    return plugins.stream().flatMap(plugin -> plugin.types().stream()).toList();
  }

  /**
   * The device types that VMs of a host can have.
   *
   * @param host the host
   * @return its own, and third parties' of its architecture
   */
  public List<DeviceType> types(Host host) {
    return plugins.stream().flatMap(plugin -> plugin.types(host).stream()).toList();
  }

  /**
   * KVM_CHECK_EXTENSION of /dev/kvm.
   *
   * @param host the host that is asked
   * @param capability the capability's number
   * @return the answer; 0 where the host does not have it
   * @throws KvmException where asking is refused
   */
  public int checkExtension(Host host, int capability) throws KvmException {
    List<Capabilities> families = new ArrayList<>();
    for (Plugin plugin : serving(host)) {
      try {
        families.add(plugin.provider().capabilities(host));
      } catch (RuntimeException | Error fault) {
        throw Containment.contain(fault, plugin.provider());
      }
    }
    return answer(families, host, capability, null);
  }

  static int answer(
      List<Capabilities> families, Host host, int capability, @Nullable VirtualMachine machine)
      throws KvmException {
    for (Capabilities family : families) {
      int answer;
      try {
        answer = family.check(capability, machine);
      } catch (RuntimeException | Error fault) {
        throw Containment.contain(fault, family);
      }
      if (answer != Capabilities.UNKNOWN) {
        return answer;
      }
    }
    String key = "cap." + capability;
    if (machine == null && host.has("cap.kvm." + capability)) {
      key = "cap.kvm." + capability;
    }
    if (!host.has(key)) {
      return capability == CAP_DEVICE_CTRL ? 1 : 0;
    }
    if (Character.isLetter(host.text(key).charAt(0))) {
      throw new KvmException(
          host.errno(key, Errno.EINVAL),
          "this host refuses to answer for capability %d",
          capability);
    }
    return (int) host.number(key, 0);
  }

  /**
   * KVM_CREATE_VM.
   *
   * @param host the host that it is made on
   * @param type the VM's type; 0 is every host's default
   * @return the VM
   * @throws KvmException EINVAL where the host has no such type
   */
  public Vm createVm(Host host, long type) throws KvmException {
    if (!isVmType(host, type)) {
      throw new KvmException(Errno.EINVAL, "VM type %#x: this host has no such type", type);
    }
    return new Vm(new VirtualMachine(host, type, serving(host)));
  }

  /**
   * Makes a VM of the default type.
   *
   * @param host the name of the host that it is made on
   * @return the VM
   * @throws KvmException where it cannot be made
   * @throws IllegalArgumentException where there is no such host
   */
  public Vm createVm(String host) throws KvmException {
    return createVm(host(host), 0);
  }

  private static boolean isVmType(Host host, long type) {
    for (String part : host.text("vm.types", "0").split("[ ,]+")) {
      int dash = part.indexOf('-');
      long first = Long.decode(dash < 0 ? part : part.substring(0, dash));
      long last = dash < 0 ? first : Long.decode(part.substring(dash + 1));
      if (type >= first && type <= last) {
        return true;
      }
    }
    return false;
  }

  private List<Plugin> serving(Host host) {
    return plugins.stream().filter(plugin -> plugin.serves(host)).collect(Collectors.toList());
  }

  @Override
  public void close() {}
}
