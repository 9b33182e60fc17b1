package org.kvmdev.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ResolvedModule;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;

/**
 * Finds the device providers there are: on the module path, on the class path, and in a folder of
 * plug-ins. What cannot be used is told as a fault with the jar's name and the cure; the rest
 * works.
 *
 * <p>In the folder of plug-ins, {@code x.jar} is a plug-in alone, and a folder {@code x} one with
 * the libraries that it needs. Each sees {@code org.kvmdev.api}, the JDK, and its own jars; two
 * plug-ins may so have different versions of a library. Jars without a module descriptor name their
 * provider in META-INF/services.
 *
 * <p>A plug-in's jars are read before any of their code runs: one that is not on the {@link
 * AllowList}, where there is one, or whose classes end the process or are native, is not loaded. A
 * provider that takes too long to be made is given up. All that is in memory thereafter: a jar may
 * be replaced while its devices run, and looking again finds the new one.
 *
 * <p>What is found first is used: the module path, then the class path, then plug-ins by name. A
 * provider that claims a device type's number that is taken (as {@code kvm_register_device_ops}
 * answers EEXIST) is not used at all, since its ports and types belong together; a host whose name
 * is taken is left out.
 *
 * <p>Nothing found is kept in static fields: a plug-in's classes are collected when neither this
 * nor a VM of it is used any more.
 */
public final class Discovery {
  private static final String SERVICES = "META-INF/services/" + DeviceProvider.class.getName();

  /** How long a provider may take to be made and asked for what it declares. */
  public static final Duration LOADING = Duration.ofSeconds(10);

  /** A class path whose listings are broken again and again is given up at last. */
  private static final int MOST_ERRORS = 1000;

  private final List<Plugin> plugins = new ArrayList<>();
  private final List<DiscoveryFault> faults = new ArrayList<>();
  private final Map<Integer, Plugin> typeOwners = new HashMap<>();
  private final Map<String, Plugin> hostOwners = new HashMap<>();
  private final Set<Class<?>> seen = new HashSet<>();
  private final Set<String> modulePlaces = new HashSet<>();

  /** How long a provider's code may take; null where whoever calls has the provider already. */
  private final @Nullable TimeLimit limit;

  private Discovery(@Nullable TimeLimit limit) {
    this.limit = limit;
  }

  /**
   * Finds the providers. Where the folder of plug-ins has a file {@link AllowList#FILE}, it is the
   * list of the jars that may be loaded from there.
   *
   * @param pluginFolder the folder of plug-ins, or one jar alone; null for none
   * @return what was found, and what is wrong
   */
  public static Discovery find(@Nullable Path pluginFolder) {
    return find(pluginFolder, null, LOADING);
  }

  /**
   * Finds the providers, with limits of the caller's own.
   *
   * @param pluginFolder the folder of plug-ins, or one jar alone; null for none
   * @param allowed the jars that may be plug-ins; null for what the folder itself lists, and all
   *     where it lists none
   * @param loading how long each provider may take to be made and asked for what it declares; one
   *     that takes longer is a fault, and its thread is left behind
   * @return what was found, and what is wrong
   */
  public static Discovery find(
      @Nullable Path pluginFolder, @Nullable AllowList allowed, Duration loading) {
    Discovery found = new Discovery(new TimeLimit(loading));
    found.modulePath();
    found.classPath();
    if (pluginFolder != null) {
      found.pluginFolder(pluginFolder, allowed);
    }
    return found;
  }

  /**
   * Finds the providers of one plug-in, and none but these: what else there is does not matter to
   * it.
   *
   * @param place the plug-in: a jar alone, or a folder of jars
   * @param loading how long each provider may take to be made and asked for what it declares
   * @return what was found, and what is wrong
   */
  public static Discovery plugin(Path place, Duration loading) {
    Discovery found = new Discovery(new TimeLimit(loading));
    if (!found.pluginAt(place, null, new ApiLoader())) {
      found.faults.add(
          new DiscoveryFault(
              String.valueOf(place.getFileName()),
              Files.exists(place) ? "it is neither a jar nor a folder" : "there is no such file",
              "Name a plug-in's jar, or the folder that it and its libraries are in.",
              null));
    }
    return found;
  }

  /** Takes given providers as if they had been found. */
  static Discovery of(List<DeviceProvider> providers) {
    Discovery found = new Discovery(null);
    for (DeviceProvider provider : providers) {
      Origin origin = Origin.of(provider.getClass());
      found.add(origin, provider.getClass().getName(), () -> Plugin.of(provider, origin));
    }
    return found;
  }

  /**
   * The providers that can be used.
   *
   * @return them, in the order in which they were found
   */
  public List<Plugin> plugins() {
    return List.copyOf(plugins);
  }

  /**
   * What cannot be used.
   *
   * @return the faults, in the order in which they were met
   */
  public List<DiscoveryFault> faults() {
    return List.copyOf(faults);
  }

  private void modulePath() {
    ModuleLayer layer = DeviceProvider.class.getModule().getLayer();
    if (layer == null) {
      return;
    }
    Map<String, Module> expected = new LinkedHashMap<>();
    expect(layer, expected);
    // The service loader's order is not specified.
    Map<String, ServiceLoader.Provider<DeviceProvider>> sorted = new TreeMap<>();
    Iterator<ServiceLoader.Provider<DeviceProvider>> all =
        ServiceLoader.load(layer, DeviceProvider.class).stream().iterator();
    for (int errors = 0; errors < MOST_ERRORS; ) {
      try {
        if (!all.hasNext()) {
          break;
        }
        ServiceLoader.Provider<DeviceProvider> each = all.next();
        sorted.put(each.type().getModule().getName() + "/" + each.type().getName(), each);
      } catch (ServiceConfigurationError | LinkageError e) {
        errors++;
        faults.add(Rejection.of("its provider cannot be loaded", e).in(named(expected, e)));
      }
    }
    for (ServiceLoader.Provider<DeviceProvider> each : sorted.values()) {
      seen.add(each.type());
      Origin origin = Origin.of(each.type());
      // Its hosts' tables are read when a VM needs them: a program that is run would wait for all.
      add(origin, each.type().getName(), () -> Plugin.of(make(each), origin));
    }
  }

  private void expect(ModuleLayer layer, Map<String, Module> expected) {
    for (Module module : layer.modules()) {
      for (ModuleDescriptor.Provides provides : module.getDescriptor().provides()) {
        if (provides.service().equals(DeviceProvider.class.getName())) {
          provides.providers().forEach(name -> expected.put(name, module));
        }
      }
    }
    for (ResolvedModule module : layer.configuration().modules()) {
      module.reference().location().map(URI::toString).ifPresent(modulePlaces::add);
    }
    layer.parents().forEach(parent -> expect(parent, expected));
  }

  private static DeviceProvider make(ServiceLoader.Provider<DeviceProvider> provider)
      throws Rejection {
    try {
      return provider.get();
    } catch (ServiceConfigurationError | LinkageError | StackOverflowError e) {
      throw Rejection.of(
          "its provider " + provider.type().getName() + " cannot be made",
          e.getCause() == null ? e : e.getCause());
    }
  }

  /** The jar of the provider that an error's text names. */
  private static String named(Map<String, Module> providers, Throwable error) {
    String text = String.valueOf(error.getMessage());
    for (Map.Entry<String, Module> each : providers.entrySet()) {
      if (text.contains(each.getKey())) {
        return Origin.of(each.getValue()).jar();
      }
    }
    return "the module path";
  }

  private void classPath() {
    ClassLoader loader = Discovery.class.getClassLoader();
    if (loader == null) {
      return;
    }
    Enumeration<URL> listings;
    try {
      listings = loader.getResources(SERVICES);
    } catch (IOException e) {
      faults.add(Rejection.of("its listings of services cannot be read", e).in("the class path"));
      return;
    }
    while (listings.hasMoreElements()) {
      URL listing = listings.nextElement();
      if (ofModule(listing)) {
        continue;
      }
      String jar = jar(listing);
      Set<String> names;
      try (InputStream in = listing.openStream()) {
        names = PluginJars.classNames(in);
      } catch (IOException e) {
        faults.add(Rejection.of(SERVICES + " cannot be read", e).in(jar));
        continue;
      }
      for (String name : names) {
        add(jar, name, () -> onClassPath(name, loader), Origin::of);
      }
    }
  }

  private static @Nullable Class<?> onClassPath(String name, ClassLoader loader) {
    try {
      return Class.forName(name, false, loader);
    } catch (ClassNotFoundException e) {
      return null;
    }
  }

  /** A class loader that has modules lists their services too; those were the module path's. */
  private boolean ofModule(URL listing) {
    String root = root(listing);
    return listing.getProtocol().equals("jrt")
        || modulePlaces.contains(root)
        || modulePlaces.contains(root + "/");
  }

  /** {@code jar:file:/lib/counter.jar!/META-INF/…} is {@code file:/lib/counter.jar}. */
  private static String root(URL listing) {
    String text = listing.toString();
    return text.substring(text.startsWith("jar:") ? 4 : 0, text.length() - SERVICES.length())
        .replaceFirst("!?/$", "");
  }

  private static String jar(URL listing) {
    String root = root(listing);
    return root.startsWith("file:")
        ? Origin.name(Path.of(URI.create(root)))
        : root.substring(root.lastIndexOf('/') + 1);
  }

  private void pluginFolder(Path place, @Nullable AllowList given) {
    boolean alone = PluginJars.isJar(place);
    Path folder = alone ? place.toAbsolutePath().getParent() : place;
    AllowList allowed = given;
    Path own = folder.resolve(AllowList.FILE);
    if (allowed == null && Files.exists(own)) {
      try {
        allowed = AllowList.read(own);
      } catch (IOException e) {
        faults.add(
            new DiscoveryFault(
                AllowList.FILE,
                "the list of allowed jars cannot be read, so that none is (" + e.getMessage() + ")",
                "Write it with sha256sum, or remove it to allow all.",
                e));
        return;
      }
    }
    ApiLoader parent = new ApiLoader();
    for (Path each : alone ? List.of(place) : sorted(folder)) {
      if (!String.valueOf(each.getFileName()).startsWith(".")) {
        pluginAt(each, allowed, parent);
      }
    }
  }

  /** Loads the plug-in that a jar or a folder is; false where it is neither. */
  private boolean pluginAt(Path place, @Nullable AllowList allowed, ApiLoader parent) {
    String name = String.valueOf(place.getFileName());
    if (Files.isDirectory(place)) {
      List<Path> jars = sorted(place).stream().filter(PluginJars::isJar).toList();
      if (jars.isEmpty()) {
        faults.add(
            new DiscoveryFault(
                name,
                "the folder has no jar in it",
                "Put the plug-in's jars there, or remove it.",
                null));
      } else {
        plugin(name, jars, allowed, parent);
      }
      return true;
    }
    if (PluginJars.isJar(place)) {
      plugin(name, List.of(place), allowed, parent);
      return true;
    }
    return false;
  }

  private void plugin(String name, List<Path> jars, @Nullable AllowList allowed, ApiLoader parent) {
    try {
      PluginJars plugin = new PluginJars(name, jars, allowed);
      PluginJars.Loaded loaded = plugin.load(parent);
      for (String provider : plugin.providers()) {
        add(name, provider, () -> loaded.find(provider), type -> plugin.origin(provider));
      }
    } catch (Rejection e) {
      faults.add(e.in(name));
    } catch (RuntimeException | Error e) {
      faults.add(Rejection.of("it cannot be loaded", e).in(name));
    }
  }

  private List<Path> sorted(Path folder) {
    try (Stream<Path> content = Files.list(folder)) {
      return content.sorted(Comparator.comparing(Path::toString)).toList();
    } catch (IOException e) {
      faults.add(
          new DiscoveryFault(
              folder.toString(),
              Files.exists(folder)
                  ? "it cannot be read as a folder (" + e + ")"
                  : "there is no such folder",
              "Name the folder that has the plug-ins' jars in it.",
              e));
      return List.of();
    }
  }

  /** Finds a class; null where there is none. */
  private interface Finding {
    @Nullable Class<?> find();
  }

  /** Makes a provider, and asks it what it declares. */
  private interface Asking {
    Plugin ask() throws Rejection;
  }

  /** Tells where a class came from. */
  private interface Telling {
    Origin origin(Class<?> type);
  }

  private void add(String jar, String name, Finding finding, Telling telling) {
    Class<?> type;
    try {
      type = finding.find();
    } catch (RuntimeException | Error e) {
      faults.add(Rejection.of("its provider " + name + " cannot be loaded", e).in(jar));
      return;
    }
    if (type == null) {
      faults.add(
          new DiscoveryFault(
              jar,
              "it names the provider " + name + ", which is not in it",
              "Build it again with that class, or correct the name.",
              null));
    } else if (seen.add(type)) {
      Class<?> found = type;
      Origin origin = telling.origin(found);
      add(origin, name, () -> Plugin.of(make(found), origin).withTables());
    }
  }

  private void add(Origin origin, String className, Asking asking) {
    Plugin plugin;
    try {
      plugin = limit == null ? asking.ask() : limit.hold("its provider " + className, asking::ask);
      for (DeviceType type : plugin.types()) {
        Plugin owner = typeOwners.get(type.number());
        if (owner != null) {
          throw new Rejection(
              "the device type "
                  + type.numberText()
                  + " ("
                  + type
                  + ") is taken by "
                  + owner.origin().jar(),
              "Remove one of the two jars, or give the type another number from 0x40000000 up.");
        }
      }
    } catch (Rejection e) {
      faults.add(e.in(origin.jar()));
      return;
    } catch (RuntimeException | Error e) {
      faults.add(Rejection.of("its provider failed", e).in(origin.jar()));
      return;
    }
    plugin.types().forEach(type -> typeOwners.put(type.number(), plugin));
    List<Host> hosts = new ArrayList<>();
    for (Host host : plugin.hosts()) {
      Plugin owner = hostOwners.putIfAbsent(host.name(), plugin);
      if (owner == null) {
        hosts.add(host);
      } else {
        faults.add(
            new DiscoveryFault(
                origin.jar(),
                "the host "
                    + host
                    + " is shipped by "
                    + owner.origin().jar()
                    + " too, whose is used",
                "Give one of them another name, or leave it out.",
                null));
      }
    }
    plugins.add(
        new Plugin(
            plugin.provider(), origin, plugin.types(), plugin.architectures(), List.copyOf(hosts)));
  }

  private static DeviceProvider make(Class<?> type) throws Rejection {
    String name = type.getName();
    if (!DeviceProvider.class.isAssignableFrom(type)) {
      throw new Rejection(
          name + " is not a " + DeviceProvider.class.getName(),
          "Let it implement that, or name the class that does.");
    }
    if (!Modifier.isPublic(type.getModifiers()) || Modifier.isAbstract(type.getModifiers())) {
      throw new Rejection(
          "its provider " + name + " is not a public class that can be made",
          "Declare it public, and not abstract.");
    }
    try {
      return (DeviceProvider) type.getConstructor().newInstance();
    } catch (NoSuchMethodException e) {
      throw new Rejection(
          "its provider " + name + " has no public constructor without parameters", "Add one.", e);
    } catch (InvocationTargetException e) {
      throw Rejection.of(
          "its provider " + name + " cannot be made", e.getCause() == null ? e : e.getCause());
    } catch (ReflectiveOperationException | RuntimeException | Error e) {
      throw Rejection.of("its provider " + name + " cannot be made", e);
    }
  }
}
