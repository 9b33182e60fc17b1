package org.kvmdev.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * kvmdev as {@code mvn install} leaves it, in a local repository of this build's own: its artifacts
 * are copied there, and everything else is a link to what is in the user's local repository, which
 * so neither has kvmdev in it nor needs to.
 */
final class Installed {
  static final Path ROOT = Path.of("").toAbsolutePath().getParent();
  static final Path TARGET = ROOT.resolve("examples/target");
  static final String VERSION = property("kvmdev.version");

  private static final Path BIN = TARGET.resolve("bin");

  static {
    try {
      link(Path.of(property("kvmdev.repository")), TARGET.resolve("repository"));
      install("pom.xml", "kvmdev-parent");
      for (String module : modules()) {
        install(module + "/pom.xml", artifactId(module));
        Path jar = ROOT.resolve(module + "/target/" + artifactId(module) + "-" + VERSION + ".jar");
        if (Files.exists(jar)) {
          copy(jar, place(artifactId(module)).resolve(jar.getFileName()));
        }
      }
      wrap();
    } catch (IOException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private Installed() {}

  private static String property(String name) {
    String value = System.getProperty(name);
    if (value == null) {
      throw new IllegalStateException(name + " is not set: run this through mvn verify");
    }
    return value;
  }

  /** The reactor's modules that others may depend on. */
  static List<String> modules() throws IOException {
    List<String> modules = new ArrayList<>();
    Matcher each =
        Pattern.compile("<module>([a-z-]+)</module>")
            .matcher(Files.readString(ROOT.resolve("pom.xml")));
    while (each.find()) {
      if (!Files.readString(ROOT.resolve(each.group(1) + "/pom.xml"))
          .contains("<maven.install.skip>true")) {
        modules.add(each.group(1));
      }
    }
    return modules;
  }

  /** A module's artifact: the first of its pom that is not its parent's. */
  static String artifactId(String module) throws IOException {
    String pom =
        Files.readString(ROOT.resolve(module + "/pom.xml"))
            .replaceAll("(?s)<parent>.*?</parent>", "");
    Matcher id = Pattern.compile("<artifactId>([a-z-]+)</artifactId>").matcher(pom);
    if (!id.find()) {
      throw new IllegalStateException(module + "/pom.xml names no artifact");
    }
    return id.group(1);
  }

  /** A folder whose entries are links, but for {@code org}'s, whose entries are. */
  private static void link(Path from, Path to) throws IOException {
    delete(to);
    Files.createDirectories(to.resolve("org"));
    for (String folder : List.of("", "org")) {
      try (Stream<Path> entries = Files.list(from.resolve(folder))) {
        for (Path entry : entries.toList()) {
          Path link = to.resolve(folder).resolve(entry.getFileName());
          if (!link.endsWith("org/kvmdev") && !Files.exists(link)) {
            Files.createSymbolicLink(link, entry);
          }
        }
      }
    }
  }

  private static Path place(String artifact) {
    return TARGET.resolve("repository/org/kvmdev").resolve(artifact).resolve(VERSION);
  }

  private static void install(String pom, String artifact) throws IOException {
    copy(ROOT.resolve(pom), place(artifact).resolve(artifact + "-" + VERSION + ".pom"));
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to.getParent());
    Files.copy(from, to);
  }

  /** The {@code mvn} of a user whose local repository is this one. */
  private static void wrap() throws IOException {
    Files.createDirectories(BIN);
    Path script = BIN.resolve("mvn");
    Files.writeString(
        script,
        "#!/bin/sh\nexec '%s/bin/mvn' -ntp -Dstyle.color=never '-Dmaven.repo.local=%s' \"$@\"\n"
            .formatted(property("kvmdev.maven"), TARGET.resolve("repository")));
    script.toFile().setExecutable(true);
  }

  /** What a command printed, and its exit code. */
  record Run(int code, String output) {}

  /** Runs a shell's command line in a folder, as a user would who has kvmdev at {@code $KVMDEV}. */
  static Run run(Path folder, String line) throws IOException, InterruptedException {
    Path output = Files.createTempFile(TARGET, "run", ".log");
    ProcessBuilder command =
        new ProcessBuilder("sh", "-c", line)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    Map<String, String> environment = command.environment();
    environment.put("PATH", BIN + ":" + environment.get("PATH"));
    environment.put("KVMDEV", ROOT.toString());
    // Maven runs on the same Java as it does here: jars tell which it was.
    environment.put("JAVA_HOME", property("kvmdev.maven.java"));
    // Builds of a few seconds are not worth compiling Maven for.
    environment.put("MAVEN_OPTS", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1");
    int code = command.start().waitFor();
    String text = Files.readString(output);
    Files.delete(output);
    return new Run(code, text);
  }

  /** An empty folder below target. */
  static Path emptyFolder(String name) throws IOException {
    Path folder = TARGET.resolve(name);
    delete(folder);
    return Files.createDirectories(folder);
  }

  private static void delete(Path tree) throws IOException {
    if (Files.exists(tree)) {
      // Links are not followed.
      try (Stream<Path> files = Files.walk(tree)) {
        for (Path each : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(each);
        }
      }
    }
  }
}
