package org.kvmdev.runtime;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.kvmdev.api.DeviceProvider;

/**
 * What plug-ins see: {@code org.kvmdev.api} and the JDK. Not the runtime, not the libraries that it
 * or the command uses (so that a plug-in may have its own of those), not the class path.
 */
final class ApiLoader extends ClassLoader {
  private static final String API = DeviceProvider.class.getPackageName();

  static {
    registerAsParallelCapable();
  }

  /**
   * The packages of the boot layer's modules: who has them; empty where plug-ins do not see them.
   */
  private final Map<String, Optional<ClassLoader>> packages = new HashMap<>();

  ApiLoader() {
    super("kvmdev-api", ClassLoader.getPlatformClassLoader());
    for (Module module : ModuleLayer.boot().modules()) {
      // Null stands for the bootstrap loader, which the platform's asks.
      ClassLoader loader = module.getClassLoader() == null ? getParent() : module.getClassLoader();
      Optional<ClassLoader> owner =
          isJdk(module.getName()) ? Optional.of(loader) : Optional.empty();
      module.getPackages().forEach(name -> packages.put(name, owner));
    }
  }

  /** Whether a module is of the JDK, as its name tells. */
  static boolean isJdk(String module) {
    return module.startsWith("java.") || module.startsWith("jdk.");
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    int end = name.lastIndexOf('.');
    String packageName = end < 0 ? "" : name.substring(0, end);
    if (packageName.equals(API) || packageName.startsWith(API + ".")) {
      return DeviceProvider.class.getClassLoader().loadClass(name);
    }
    // The platform loader alone would not do: it finds every module of the boot layer.
    Optional<ClassLoader> owner = packages.get(packageName);
    if (owner == null) {
      return super.loadClass(name, resolve);
    }
    if (owner.isEmpty()) {
      throw new ClassNotFoundException(name);
    }
    return owner.get().loadClass(name);
  }
}
