package org.kvmdev.cli.plugin;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.kvmdev.api.DeviceProvider;

/** Puts the tests' providers into jars, as a third party would ship them. */
public final class Jars {
  private Jars() {}

  /**
   * Makes a jar of a provider and the lamp.
   *
   * @param jar the file
   * @param provider the provider that it lists
   * @return the file
   */
  public static Path jar(Path jar, Class<? extends DeviceProvider> provider) throws IOException {
    Set<Class<?>> classes = new LinkedHashSet<>(List.of(Lamp.class, BadLamps.class));
    classes.addAll(List.of(Lamp.class.getDeclaredClasses()));
    classes.addAll(List.of(BadLamps.class.getDeclaredClasses()));
    try (OutputStream out = Files.newOutputStream(jar);
        JarOutputStream to = new JarOutputStream(out)) {
      to.putNextEntry(new JarEntry("META-INF/services/" + DeviceProvider.class.getName()));
      to.write(provider.getName().getBytes(StandardCharsets.UTF_8));
      for (Class<?> each : classes) {
        put(to, each.getName());
        // Its anonymous classes, which it does not declare.
        for (int i = 1; exists(each.getName() + "$" + i); i++) {
          put(to, each.getName() + "$" + i);
        }
      }
    }
    return jar;
  }

  private static String file(String className) {
    return className.replace('.', '/') + ".class";
  }

  private static boolean exists(String className) {
    return Jars.class.getResource("/" + file(className)) != null;
  }

  private static void put(JarOutputStream to, String className) throws IOException {
    to.putNextEntry(new JarEntry(file(className)));
    try (InputStream in = Jars.class.getResourceAsStream("/" + file(className))) {
      if (in == null) {
        throw new IllegalStateException(className);
      }
      in.transferTo(to);
    }
    to.closeEntry();
  }
}
