import java.io.File;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/**
 * Links kvmdev's distributions: an image each, with its command, and with the classes of every
 * start laid out ahead. Prints each one's size and how long it takes to start.
 *
 * <p>Arguments: the module path, the folder for the images, the distributions' names separated by
 * commas. Run from the project's root, by a JDK that is linked from.
 */
final class Distributions {
  /** What is in which distribution; the command reads the same file. */
  private static final Path CONTENT =
      Path.of("cli/src/main/resources/org/kvmdev/cli/distributions.properties");

  private static final Path LAUNCHER = Path.of("cli/src/main/image/kvmdev");

  /** Beside what kvmdev requires: what plug-ins may use. */
  private static final String FOR_PLUGINS = "java.logging";

  /** Where a rehearsal keeps what is not for the user's own cache. */
  private static final String CACHE = "cache";

  private static final int STARTS = 5;

  private Distributions() {}

  public static void main(String[] arguments) throws Exception {
    Properties content = new Properties();
    try (Reader reader = Files.newBufferedReader(CONTENT)) {
      content.load(reader);
    }
    List<String> names = Stream.of(arguments[2].split("[ ,]+")).filter(n -> !n.isEmpty()).toList();
    for (String name : names) {
      if (content.getProperty(name) == null) {
        System.err.println("there is no distribution " + name + "; " + CONTENT + " names them");
        System.exit(2);
      }
    }
    try (ExecutorService each = Executors.newFixedThreadPool(2)) {
      List<Future<Path>> images = new ArrayList<>();
      for (String name : names) {
        String modules = content.getProperty(name).strip().replaceAll("[ ,]+", ",");
        images.add(each.submit(() -> link(arguments[0], Path.of(arguments[1], name), modules)));
      }
      for (Future<Path> image : images) {
        image.get();
      }
    }
    delete(Path.of(arguments[1], CACHE));
    for (String name : names) {
      tell(Path.of(arguments[1], name));
    }
  }

  private static Path link(String modulePath, Path image, String devices) throws Exception {
    delete(image);
    Path modules = image.resolveSibling(image.getFileName() + "-modules");
    delete(modules);
    Files.createDirectories(modules);
    takeModules(modulePath, modules);
    // A process of its own each: within one, jlink cannot run twice at once.
    run(
        image,
        Path.of(System.getProperty("java.home"), "bin/jlink").toString(),
        "--module-path",
        modules.toString(),
        "--add-modules",
        // jlink does not follow "uses".
        "org.kvmdev.cli," + devices + "," + FOR_PLUGINS,
        "--strip-debug",
        "--no-header-files",
        "--no-man-pages",
        "--output",
        image.toString());
    delete(modules);
    Path command = image.resolve("bin/kvmdev");
    Files.copy(LAUNCHER, command, StandardCopyOption.REPLACE_EXISTING);
    command.toFile().setExecutable(true, false);
    Files.copy(Path.of("LICENSE"), image.resolve("LICENSE"), StandardCopyOption.REPLACE_EXISTING);
    // A run that is watched: what it loads is laid out for every start thereafter.
    run(
        image,
        image.resolve("bin/java").toString(),
        "-XX:AOTCacheOutput=" + image.resolve("lib/kvmdev.aot"),
        "-XX:+UseSerialGC",
        "-m",
        "org.kvmdev.cli/org.kvmdev.cli.Rehearsal");
    return image;
  }

  /** The jars of a module path, their classes in a format that can be laid out ahead. */
  private static void takeModules(String modulePath, Path to) throws IOException {
    for (String place : modulePath.split(File.pathSeparator)) {
      try (Stream<Path> jars = Files.walk(Path.of(place))) {
        for (Path jar : jars.filter(each -> each.toString().endsWith(".jar")).toList()) {
          ModernJar.copy(jar, to.resolve(jar.getFileName()));
        }
      }
    }
  }

  private static void run(Path image, String... command) throws Exception {
    Path log = image.resolveSibling(image.getFileName() + ".log");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().put("XDG_CACHE_HOME", image.resolveSibling(CACHE).toString());
    Process process = builder.start();
    if (process.waitFor() != 0) {
      throw new IllegalStateException(command[0] + " failed:\n" + Files.readString(log));
    }
  }

  private static void tell(Path image) throws IOException, InterruptedException {
    long size = 0;
    try (Stream<Path> files = Files.walk(image)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        size += Files.size(file);
      }
    }
    long fastest = Long.MAX_VALUE;
    for (int i = 0; i < STARTS; i++) {
      long begin = System.nanoTime();
      new ProcessBuilder(image.resolve("bin/kvmdev").toString(), "--version")
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .start()
          .waitFor();
      fastest = Math.min(fastest, System.nanoTime() - begin);
    }
    System.out.printf(
        "%s: %d MB, starts in %d ms: %s/bin/kvmdev%n",
        image.getFileName(),
        size / 1_000_000,
        fastest / 1_000_000,
        Path.of("").toAbsolutePath().relativize(image.toAbsolutePath()));
  }

  private static void delete(Path tree) throws IOException {
    if (Files.exists(tree)) {
      try (Stream<Path> files = Files.walk(tree)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }
}
