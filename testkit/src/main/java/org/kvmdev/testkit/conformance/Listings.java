package org.kvmdev.testkit.conformance;

import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.module.ModuleDescriptor;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.security.CodeSource;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceProvider;

/**
 * The two places at which a jar lists its providers.
 *
 * @param services what META-INF/services names
 * @param provides what the module descriptor names
 */
record Listings(Set<String> services, Set<String> provides) {
  private static final String SERVICE = DeviceProvider.class.getName();

  /**
   * The listings of the jar or folder that a class was loaded from.
   *
   * @param provider the class
   * @throws Findings.Skipped where it is no jar or folder, or has no module descriptor, so that it
   *     works on the class path alone
   */
  static Listings of(Class<?> provider) throws IOException, URISyntaxException, Findings.Skipped {
    CodeSource source = provider.getProtectionDomain().getCodeSource();
    if (source == null || source.getLocation() == null) {
      throw new Findings.Skipped("it is not known where the provider was loaded from");
    }
    Set<String> provides = provides(source.getLocation());
    if (provides == null) {
      throw new Findings.Skipped("there is no module-info: the jar is for the class path");
    }
    return new Listings(services(source.getLocation()), provides);
  }

  private static @Nullable Set<String> provides(URL location)
      throws IOException, URISyntaxException {
    try (InputStream in = open(location, "module-info.class")) {
      if (in == null) {
        return null;
      }
      Set<String> names = new TreeSet<>();
      for (ModuleDescriptor.Provides provides : ModuleDescriptor.read(in).provides()) {
        if (provides.service().equals(SERVICE)) {
          names.addAll(provides.providers());
        }
      }
      return names;
    }
  }

  private static Set<String> services(URL location) throws IOException, URISyntaxException {
    Set<String> names = new TreeSet<>();
    try (InputStream in = open(location, "META-INF/services/" + SERVICE)) {
      if (in == null) {
        return names;
      }
      BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        int comment = line.indexOf('#');
        String name = (comment < 0 ? line : line.substring(0, comment)).strip();
        if (!name.isEmpty()) {
          names.add(name);
        }
      }
    }
    return names;
  }

  private static @Nullable InputStream open(URL location, String entry)
      throws IOException, URISyntaxException {
    String base = location.toString();
    if (base.startsWith("jrt:")) {
      base += base.endsWith("/") ? "" : "/";
    } else if (!base.endsWith("/")) {
      base = "jar:" + base + "!/";
    }
    try {
      return new URI(base + entry).toURL().openStream();
    } catch (FileNotFoundException e) {
      return null;
    }
  }
}
