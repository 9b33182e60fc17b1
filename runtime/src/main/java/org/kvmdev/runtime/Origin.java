package org.kvmdev.runtime;

import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ResolvedModule;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.Optional;
import java.util.jar.JarFile;
import org.jspecify.annotations.Nullable;

/**
 * Where a provider came from.
 *
 * @param jar the jar's file name; the folder's name where the classes lie in one; the module's name
 *     where it is linked into the image
 * @param path the jar or the folder; null where it is linked into the image
 * @param module the module's name; null where it is not one
 * @param version the module's version, else what the jar's manifest says; null where neither does
 */
public record Origin(
    String jar, @Nullable Path path, @Nullable String module, @Nullable String version) {

  /** Where a class was loaded from. */
  static Origin of(Class<?> type) {
    Module module = type.getModule();
    if (module.isNamed()) {
      return of(module);
    }
    CodeSource source = type.getProtectionDomain().getCodeSource();
    Path path = null;
    if (source != null && source.getLocation() != null) {
      try {
        path = path(source.getLocation().toURI());
      } catch (URISyntaxException e) {
        // A place without a path has no jar's name to tell.
      }
    }
    return path == null
        ? new Origin(type.getName(), null, null, null)
        : new Origin(name(path), path, null, manifestVersion(path));
  }

  /** Where a named module was loaded from. */
  static Origin of(Module module) {
    String name = module.getName();
    String version = module.getDescriptor().rawVersion().orElse(null);
    Path path =
        Optional.ofNullable(module.getLayer())
            .flatMap(layer -> layer.configuration().findModule(name))
            .map(ResolvedModule::reference)
            .flatMap(reference -> reference.location())
            .map(Origin::path)
            .orElse(null);
    return path == null
        ? new Origin(name, null, name, version)
        : new Origin(name(path), path, name, version == null ? manifestVersion(path) : version);
  }

  /** A plug-in's jar. */
  static Origin of(Path jar, @Nullable ModuleDescriptor descriptor) {
    String version = descriptor == null ? null : descriptor.rawVersion().orElse(null);
    return new Origin(
        name(jar),
        jar,
        descriptor == null ? null : descriptor.name(),
        version == null ? manifestVersion(jar) : version);
  }

  private static @Nullable Path path(URI location) {
    return "file".equals(location.getScheme()) ? Path.of(location) : null;
  }

  /** What a jar or a folder of classes is called. */
  static String name(Path path) {
    // Build tools put classes into target/classes: the folder that says whose they are is above.
    if (path.endsWith(Path.of("target", "classes")) && path.getNameCount() > 2) {
      return path.getName(path.getNameCount() - 3) + "/target/classes";
    }
    return String.valueOf(path.getFileName());
  }

  private static @Nullable String manifestVersion(Path jar) {
    if (!jar.toString().endsWith(".jar")) {
      return null;
    }
    try (JarFile file = new JarFile(jar.toFile())) {
      return file.getManifest() == null
          ? null
          : file.getManifest().getMainAttributes().getValue("Implementation-Version");
    } catch (IOException e) {
      return null;
    }
  }

  /** {@return the jar's name} */
  @Override
  public String toString() {
    return jar;
  }
}
