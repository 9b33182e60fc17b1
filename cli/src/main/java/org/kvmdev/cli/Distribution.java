package org.kvmdev.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which of the linked images this is, and which others have what it has not: an image for one guest
 * architecture has no other's hosts and device types.
 */
final class Distribution {
  private static final String MODULES = "org.kvmdev.devices.";

  private final Properties content;
  private final Set<String> present;

  private Distribution(Properties content, Set<String> present) {
    this.content = content;
    this.present = present;
  }

  /** This one, told by the device modules that are linked into it. */
  static Distribution here() {
    Set<String> present = new TreeSet<>();
    for (Module module : ModuleLayer.boot().modules()) {
      if (module.getName().startsWith(MODULES)) {
        present.add(module.getName());
      }
    }
    return with(present);
  }

  /** One with these device modules. */
  static Distribution with(Set<String> present) {
    Properties content = new Properties();
    try (InputStream in = Distribution.class.getResourceAsStream("distributions.properties")) {
      content.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Distribution(content, present);
  }

  /**
   * Where something is that this image lacks.
   *
   * @param wanted the name of a host, its architecture, or the end of a device type's name
   * @return text to put after the complaint: what this is, and which distributions have it; empty
   *     where no distribution does
   */
  String elsewhere(String wanted) {
    for (String module : modules()) {
      if (!present.contains(module) && words(module).stream().anyMatch(each -> is(wanted, each))) {
        List<String> others = new ArrayList<>();
        for (String name : distributions()) {
          if (words(name).contains(module)) {
            others.add(name);
          }
        }
        return "; this is " + name() + ", and " + wanted + " is in " + String.join(", ", others);
      }
    }
    return "";
  }

  /**
   * Of a type's name the end is enough, as in {@code describe XICS}; hosts' names begin with their
   * architecture.
   */
  private static boolean is(String wanted, String name) {
    return name.equals(wanted)
        || name.startsWith(wanted + "-")
        || name.startsWith("KVM_")
            && name.endsWith("_" + wanted.toUpperCase(Locale.ROOT).replaceFirst("^_", ""));
  }

  /** The name of the distribution that has just the modules that are here. */
  private String name() {
    for (String name : distributions()) {
      if (present.equals(Set.copyOf(words(name)))) {
        return name;
      }
    }
    return "a kvmdev of its own with " + (present.isEmpty() ? "no devices" : present);
  }

  /** What is said of a device module: its hosts and its types. */
  List<String> words(String key) {
    return List.of(content.getProperty(key).strip().split("[ ,]+"));
  }

  /** The device modules that some distribution has. */
  List<String> modules() {
    return keys(true);
  }

  private List<String> distributions() {
    return keys(false);
  }

  private List<String> keys(boolean modules) {
    return content.stringPropertyNames().stream()
        .filter(key -> key.startsWith(MODULES) == modules)
        .sorted()
        .toList();
  }
}
