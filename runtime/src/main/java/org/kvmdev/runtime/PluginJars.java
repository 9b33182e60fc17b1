package org.kvmdev.runtime;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.module.Configuration;
import java.lang.module.FindException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReader;
import java.lang.module.ModuleReference;
import java.lang.module.ResolutionException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceProvider;

/**
 * One plug-in: a jar alone, or the jars of one folder. Where {@code org.kvmdev.api} is a module
 * they become a module layer, else classes of a loader; in both cases they see that, the JDK and
 * each other, and nothing else.
 */
final class PluginJars {
  private static final String SERVICE = DeviceProvider.class.getName();
  private static final String SERVICES = "META-INF/services/" + SERVICE;
  private static final String API = DeviceProvider.class.getPackageName();
  private static final String API_CLASS = SERVICE.replace('.', '/') + ".class";

  private final String name;
  private final List<Path> jars;

  /** The names of the providers' classes, and the jar that says so. */
  private final Map<String, Path> providers = new LinkedHashMap<>();

  private final Map<Path, ModuleDescriptor> descriptors = new LinkedHashMap<>();
  private final List<JarContent> contents = new ArrayList<>();

  /**
   * Reads the jars, and refuses what may not be loaded; no code of theirs is run.
   *
   * @param name the jar's or the folder's name
   * @param jars the jars
   * @param allowed the jars that may be plug-ins; null for all
   */
  PluginJars(String name, List<Path> jars, @Nullable AllowList allowed) throws Rejection {
    this.name = name;
    this.jars = jars;
    for (Path jar : jars) {
      read(jar, allowed);
    }
    if (providers.isEmpty()) {
      throw new Rejection(
          "it has no " + SERVICE,
          "Name the provider's class in "
              + SERVICES
              + ", or in module-info by \"provides\"; a"
              + " library of a plug-in lies beside it, in a folder of its own among the plug-ins.");
    }
  }

  private void read(Path jar, @Nullable AllowList allowed) throws Rejection {
    JarContent content;
    Set<String> named = Set.of();
    try {
      content = JarContent.read(jar);
      byte[] services = content.entries().get(SERVICES);
      if (services != null) {
        named = classNames(new ByteArrayInputStream(services));
      }
    } catch (IOException | RuntimeException e) {
      throw new Rejection(
          of(jar) + "it cannot be read as a jar (" + e.getMessage() + ")",
          "Copy or build it again.",
          e);
    }
    if (allowed != null) {
      allowed.check(of(jar), content);
    }
    if (content.entries().containsKey(API_CLASS)) {
      throw new Rejection(
          of(jar) + "it has a copy of " + API, "Remove it: plug-ins use the one that kvmdev has.");
    }
    for (String provider : named) {
      if (!content.entries().containsKey(provider.replace('.', '/') + ".class")) {
        throw new Rejection(
            of(jar) + "it names the provider " + provider + ", which is not in it",
            "Build it again with that class, or correct the name.");
      }
      providers.putIfAbsent(provider, jar);
    }
    Escapes.check(of(jar), content);
    contents.add(content);
    for (ModuleReference module : find(jar)) {
      descriptors.put(jar, module.descriptor());
      for (ModuleDescriptor.Provides provides : module.descriptor().provides()) {
        if (provides.service().equals(SERVICE)) {
          provides.providers().forEach(each -> providers.putIfAbsent(each, jar));
        }
      }
    }
  }

  /** The names in a META-INF/services file. */
  static Set<String> classNames(InputStream in) throws IOException {
    Set<String> names = new LinkedHashSet<>();
    BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      int comment = line.indexOf('#');
      String className = (comment < 0 ? line : line.substring(0, comment)).strip();
      if (!className.isEmpty()) {
        names.add(className);
      }
    }
    return names;
  }

  private Set<ModuleReference> find(Path jar) throws Rejection {
    try {
      return ModuleFinder.of(jar).findAll();
    } catch (FindException e) {
      if (e.getCause() instanceof IllegalArgumentException) {
        throw new Rejection(
            of(jar)
                + "no module name can be made of its file name ("
                + e.getCause().getMessage()
                + ")",
            "Rename it, or give its manifest an Automatic-Module-Name.",
            e);
      }
      throw Rejection.of(of(jar) + "its module descriptor cannot be read", e);
    }
  }

  /** In a folder the jar is named too. */
  private String of(Path jar) {
    return jars.size() == 1 && name.equals(String.valueOf(jar.getFileName()))
        ? ""
        : jar.getFileName() + ": ";
  }

  /** Where a provider that these jars name comes from. */
  Origin origin(String provider) {
    Path jar = providers.get(provider);
    if (jar == null) {
      throw new IllegalArgumentException(provider);
    }
    return Origin.of(jar, descriptors.get(jar));
  }

  /** The names of the providers' classes. */
  Set<String> providers() {
    return providers.keySet();
  }

  /** How a provider's class is found in what was loaded. */
  interface Loaded {
    /**
     * Finds a provider's class.
     *
     * @param provider its name
     * @return the class; null where no jar of the plug-in has it
     */
    @Nullable Class<?> find(String provider);
  }

  /**
   * Loads the plug-in.
   *
   * @param parent what it sees
   * @return what was loaded; it is collected when nothing of it is used any more
   */
  Loaded load(ApiLoader parent) throws Rejection {
    PluginLoader loader = new PluginLoader(name, contents, parent);
    ModuleLayer ours = DeviceProvider.class.getModule().getLayer();
    return ours == null ? classes(loader) : modules(loader, ours);
  }

  private Loaded classes(PluginLoader loader) {
    return provider -> {
      try {
        return Class.forName(provider, false, loader);
      } catch (ClassNotFoundException e) {
        return null;
      }
    };
  }

  private Loaded modules(PluginLoader loader, ModuleLayer ours) throws Rejection {
    Map<String, ModuleReference> own = new LinkedHashMap<>();
    Map<String, Path> jarOf = new LinkedHashMap<>();
    for (Path jar : jars) {
      for (ModuleReference module : find(jar)) {
        String moduleName = module.descriptor().name();
        Path other = jarOf.putIfAbsent(moduleName, jar);
        if (other != null) {
          throw new Rejection(
              other.getFileName()
                  + " and "
                  + jar.getFileName()
                  + " are both the module "
                  + moduleName,
              "Remove one of them.");
        }
        own.put(moduleName, module);
      }
    }
    for (Map.Entry<String, ModuleReference> each : own.entrySet()) {
      ModuleDescriptor descriptor = each.getValue().descriptor();
      if (descriptor.isAutomatic()) {
        each.setValue(new SeesApi(each.getValue()));
      } else {
        requirements(jarOf.get(each.getKey()), descriptor, own.keySet(), ours);
      }
    }
    ModuleLayer.Controller controller = layer(own, loader, ours);
    ModuleLayer layer = controller.layer();
    // Not required of each other, since modules may not require in circles.
    for (Module module : layer.modules()) {
      if (own.get(module.getName()) instanceof SeesApi) {
        layer.modules().forEach(other -> controller.addReads(module, other));
      }
    }
    return provider -> {
      for (Module module : layer.modules()) {
        Class<?> type = Class.forName(module, provider);
        if (type != null) {
          // As java.util.ServiceLoader, we may make what the module does not export.
          controller.addOpens(module, type.getPackageName(), PluginJars.class.getModule());
          return type;
        }
      }
      return null;
    };
  }

  private static ModuleLayer.Controller layer(
      Map<String, ModuleReference> own, PluginLoader loader, ModuleLayer ours) throws Rejection {
    try {
      Configuration configuration =
          Configuration.resolve(
              new Found(own), List.of(ours.configuration()), ModuleFinder.of(), own.keySet());
      return ModuleLayer.defineModules(configuration, List.of(ours), module -> loader);
    } catch (FindException | ResolutionException | LayerInstantiationException e) {
      throw new Rejection(
          "its modules do not fit together (" + e.getMessage() + ")",
          "Each package belongs into one jar, and each module that is required beside it.",
          e);
    }
  }

  private void requirements(
      @Nullable Path jar, ModuleDescriptor descriptor, Set<String> own, ModuleLayer ours)
      throws Rejection {
    String prefix = jar == null ? "" : of(jar);
    for (ModuleDescriptor.Requires requires : descriptor.requires()) {
      String needed = requires.name();
      if (requires.modifiers().contains(ModuleDescriptor.Requires.Modifier.STATIC)
          || own.contains(needed)
          || needed.equals(API)) {
        continue;
      }
      if (!ApiLoader.isJdk(needed)) {
        throw new Rejection(
            prefix
                + "its module "
                + descriptor.name()
                + " requires the module "
                + needed
                + ", which plug-ins do not see",
            "Put both jars into a folder of their own among the plug-ins; of kvmdev's own modules"
                + " plug-ins see "
                + API
                + " alone.");
      }
      if (ours.findModule(needed).isEmpty()) {
        throw new Rejection(
            prefix
                + "its module "
                + descriptor.name()
                + " requires the JDK's module "
                + needed
                + ", which this runtime does not have",
            "Start with --add-modules " + needed + ", or link an image that has it.");
      }
    }
  }

  /** Modules by name. */
  private record Found(Map<String, ModuleReference> own) implements ModuleFinder {
    @Override
    public Optional<ModuleReference> find(String moduleName) {
      return Optional.ofNullable(own.get(moduleName));
    }

    @Override
    public Set<ModuleReference> findAll() {
      return Set.copyOf(own.values());
    }
  }

  /**
   * A jar without module-info, as a module that requires what plug-ins see. As an automatic module
   * it would read all of kvmdev's own too, and clash with each package of theirs that it also has.
   */
  private static final class SeesApi extends ModuleReference {
    private final ModuleReference automatic;

    SeesApi(ModuleReference automatic) {
      super(explicit(automatic.descriptor()), automatic.location().orElse(null));
      this.automatic = automatic;
    }

    private static ModuleDescriptor explicit(ModuleDescriptor descriptor) {
      ModuleDescriptor.Builder builder = ModuleDescriptor.newOpenModule(descriptor.name());
      descriptor.rawVersion().ifPresent(builder::version);
      builder.packages(descriptor.packages());
      descriptor.packages().forEach(builder::exports);
      descriptor.provides().forEach(builder::provides);
      descriptor.uses().forEach(builder::uses);
      builder.requires(API);
      for (Module module : ModuleLayer.boot().modules()) {
        if (ApiLoader.isJdk(module.getName())) {
          builder.requires(module.getName());
        }
      }
      return builder.build();
    }

    @Override
    public ModuleReader open() throws IOException {
      return automatic.open();
    }
  }

  /** Where jar files are told by their name. */
  static boolean isJar(Path path) {
    return path.getFileName() != null
        && path.getFileName().toString().endsWith(".jar")
        && new File(path.toString()).isFile();
  }
}
