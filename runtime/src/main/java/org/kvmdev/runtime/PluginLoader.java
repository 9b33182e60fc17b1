package org.kvmdev.runtime;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One plug-in's classes, whether its jars are modules of a layer or not. */
final class PluginLoader extends URLClassLoader {
  static {
    registerAsParallelCapable();
  }

  PluginLoader(String name, List<Path> jars, ApiLoader parent) {
    super(name, jars.stream().map(PluginLoader::url).toArray(URL[]::new), parent);
  }

  private static URL url(Path jar) {
    try {
      return jar.toUri().toURL();
    } catch (MalformedURLException e) {
      throw new IllegalStateException("a file's URI is a URL", e);
    }
  }

  // The two questions that the JDK asks about a named module's content.

  @Override
  protected @Nullable Class<?> findClass(@Nullable String moduleName, String name) {
    try {
      return findClass(name);
    } catch (ClassNotFoundException e) {
      return null;
    }
  }

  @Override
  protected @Nullable URL findResource(@Nullable String moduleName, String name)
      throws IOException {
    return findResource(name);
  }
}
