package org.kvmdev.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.kvmdev.api.DeviceProvider;

/** Compiles a plug-in's sources and puts them into a jar. */
final class PluginBuilder {
  static final String SERVICES = "META-INF/services/org.kvmdev.api.DeviceProvider";

  /** Most tests run twice and build the same. */
  private static final Map<List<Object>, byte[]> BUILT = new ConcurrentHashMap<>();

  private final Map<String, String> sources = new LinkedHashMap<>();
  private final Map<String, byte[]> resources = new LinkedHashMap<>();
  private final List<Path> libraries = new ArrayList<>();
  private final List<String> left = new ArrayList<>();
  private Path api = place(DeviceProvider.class);

  /** A source file, by the name of its class. */
  PluginBuilder source(String className, String text) {
    sources.put(className.replace('.', '/') + ".java", text);
    return this;
  }

  /** A provider of one type; {@code extra} are further members of its class. */
  PluginBuilder provider(String className, int number, String extra) {
    return provider(
        className,
        "List.of(DeviceType.of(0x"
            + Integer.toHexString(number)
            + ", \"KVM_DEV_TYPE_TEST\", \"kvm-test\", \"A test.\").build())",
        extra);
  }

  /** A provider whose types are an expression. */
  PluginBuilder provider(String className, String types, String extra) {
    int dot = className.lastIndexOf('.');
    return source(
        className,
        """
        package %s;
        import java.util.*;
        import org.kvmdev.api.*;
        import org.kvmdev.api.machine.*;
        public class %s implements DeviceProvider {
          public List<DeviceType> types() { return %s; }
          public Set<String> architectures() { return Set.of(); }
          public DeviceOps create(DeviceType type, Machine machine) {
            throw new UnsupportedOperationException();
          }
          %s
        }
        """
            .formatted(className.substring(0, dot), className.substring(dot + 1), types, extra));
  }

  /** Lists a provider in META-INF/services. */
  PluginBuilder service(String className) {
    return resource(SERVICES, className + "\n");
  }

  /** A module descriptor. */
  PluginBuilder module(String text) {
    return source("module-info", text);
  }

  PluginBuilder resource(String name, String text) {
    resources.put(name, text.getBytes(UTF_8));
    return this;
  }

  /** A jar to compile against. */
  PluginBuilder library(Path jar) {
    libraries.add(jar);
    return this;
  }

  /** Another api to compile against: an older one, or a newer. */
  PluginBuilder api(Path other) {
    api = other;
    return this;
  }

  /** A class that is compiled, and left out of the jar. */
  PluginBuilder without(String className) {
    left.add(className.replace('.', '/') + ".class");
    return this;
  }

  /** Builds the jar. */
  Path jar(Path jar) {
    Map<String, String> texts = new TreeMap<>();
    resources.forEach((name, content) -> texts.put(name, new String(content, UTF_8)));
    List<Object> key = List.of(sources, texts, libraries.isEmpty() ? List.of() : jar, left, api);
    try {
      Files.createDirectories(jar.getParent());
      Files.write(jar, BUILT.computeIfAbsent(key, k -> build()));
      return jar;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private byte[] build() {
    try {
      Path work = Files.createTempDirectory("kvmdev-plugin");
      Path classes = Files.createDirectories(work.resolve("classes"));
      List<String> arguments =
          new ArrayList<>(
              List.of(
                  "-d",
                  classes.toString(),
                  "-nowarn",
                  "-proc:none",
                  sources.containsKey("module-info.java") ? "-p" : "-cp",
                  path()));
      for (Map.Entry<String, String> source : sources.entrySet()) {
        Path file = work.resolve(source.getKey());
        Files.createDirectories(file.getParent());
        Files.writeString(file, source.getValue());
        arguments.add(file.toString());
      }
      StringWriter log = new StringWriter();
      if (!sources.isEmpty()
          && ToolProvider.findFirst("javac")
                  .orElseThrow()
                  .run(new PrintWriter(log), new PrintWriter(log), arguments.toArray(String[]::new))
              != 0) {
        throw new IllegalStateException(log.toString());
      }
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      try (JarOutputStream to = new JarOutputStream(out);
          Stream<Path> files = Files.walk(classes)) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          String name = classes.relativize(file).toString().replace('\\', '/');
          if (!left.contains(name)) {
            put(to, name, Files.readAllBytes(file));
          }
        }
        for (Map.Entry<String, byte[]> resource : resources.entrySet()) {
          put(to, resource.getKey(), resource.getValue());
        }
      }
      try (Stream<Path> files = Files.walk(work)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
      return out.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String path() throws IOException {
    List<String> path = new ArrayList<>();
    path.add(api.toString());
    path.add(place(org.jspecify.annotations.NullMarked.class).toString());
    libraries.forEach(each -> path.add(each.toString()));
    return String.join(java.io.File.pathSeparator, path);
  }

  /** The jar or the folder that a class is in. */
  static Path place(Class<?> type) {
    return Path.of(
        java.net.URI.create(type.getProtectionDomain().getCodeSource().getLocation().toString()));
  }

  private static void put(JarOutputStream to, String name, byte[] content) throws IOException {
    to.putNextEntry(new JarEntry(name));
    to.write(content);
    to.closeEntry();
  }
}
