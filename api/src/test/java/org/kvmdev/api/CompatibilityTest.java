package org.kvmdev.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.kvmdev.api.machine.Capabilities;
import org.kvmdev.api.machine.InterruptController;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Port;
import org.kvmdev.api.register.Register;

/**
 * What jars were compiled against stays (docs/plugins.md says what is promised): nothing that
 * {@code api-0.1.txt} lists goes or changes, and what plug-ins implement gets no method that jars
 * of before do not have.
 */
class CompatibilityTest {
  private static final String BASELINE = "api-0.1.txt";

  /** What jars implement or extend; ports are added. */
  private static final List<Class<?>> IMPLEMENTED =
      List.of(
          DeviceProvider.class,
          DeviceOps.class,
          AttributeDevice.class,
          AttributeId.class,
          Register.class,
          Capabilities.class,
          InterruptController.class,
          MmioHandler.class);

  private static List<String> baseline() throws IOException {
    try (InputStream in = CompatibilityTest.class.getResourceAsStream(BASELINE)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isBlank() && !line.startsWith("#"))
          .toList();
    }
  }

  @Test
  void nothingThatJarsWereCompiledAgainstIsGone() throws Exception {
    Set<String> now = new TreeSet<>();
    members().forEach(line -> now.add(withOrWithoutABody(line)));
    List<String> gone =
        baseline().stream().filter(line -> !now.contains(withOrWithoutABody(line))).toList();
    assertEquals(
        List.of(),
        gone,
        "jars that use these no longer work: keep them; until 0.1.0 is released, they may leave "
            + BASELINE);
  }

  /** Who calls a method does not care. */
  private static String withOrWithoutABody(String line) {
    return line.replaceFirst("^abstract ", "");
  }

  @Test
  void whatJarsImplementDemandsNothingNew() throws Exception {
    Set<String> before = Set.copyOf(baseline());
    // A port that is new is in no jar of before.
    Stream<Class<?>> implemented =
        Stream.concat(IMPLEMENTED.stream(), Arrays.stream(Port.class.getPermittedSubclasses()))
            .filter(
                type ->
                    before.stream()
                        .anyMatch(line -> line.split(" < ")[0].endsWith(type.getName())));
    List<String> added =
        implemented
            .flatMap(type -> Arrays.stream(type.getDeclaredMethods()))
            .filter(method -> Modifier.isAbstract(method.getModifiers()))
            .map(CompatibilityTest::text)
            .filter(line -> !before.contains(line))
            .toList();
    assertEquals(List.of(), added, "jars of before do not have these: give them a body (default)");
  }

  @Test
  void theListIsOfThisApi() throws Exception {
    Set<String> now = members();
    assertTrue(now.size() > 300, () -> now.size() + " members");
    if (Boolean.getBoolean("kvmdev.api.list")) {
      now.forEach(System.out::println);
    }
  }

  private static Set<String> members()
      throws IOException, URISyntaxException, ReflectiveOperationException {
    Set<String> all = new TreeSet<>();
    for (String name : classes()) {
      Class<?> type = Class.forName(name, false, CompatibilityTest.class.getClassLoader());
      if (!isShown(type.getModifiers())
          || type.getEnclosingClass() != null
              && !isShown(type.getEnclosingClass().getModifiers())) {
        continue;
      }
      all.add(
          (type.isSealed() ? "sealed " : "")
              + type.getName()
              + Stream.concat(
                      Stream.ofNullable(type.getSuperclass()), Arrays.stream(type.getInterfaces()))
                  .filter(each -> each != Object.class && isShown(each.getModifiers()))
                  .map(each -> " < " + each.getName())
                  .collect(Collectors.joining()));
      for (Method each : type.getDeclaredMethods()) {
        add(all, each);
      }
      for (Constructor<?> each : type.getDeclaredConstructors()) {
        add(all, each);
      }
      for (Field each : type.getDeclaredFields()) {
        add(all, each);
      }
    }
    return all;
  }

  private static void add(Set<String> all, Member member) {
    if (isShown(member.getModifiers()) && !member.isSynthetic()) {
      all.add(text(member));
    }
  }

  private static boolean isShown(int modifiers) {
    return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
  }

  /** A member as class files name it. */
  private static String text(Member member) {
    String owner = member.getDeclaringClass().getName();
    String kind = Modifier.isStatic(member.getModifiers()) ? "static " : "";
    return switch (member) {
      case Field field -> kind + owner + "." + field.getName() + " " + field.getType().getName();
      case Method method ->
          (Modifier.isAbstract(method.getModifiers()) ? "abstract " : kind)
              + owner
              + "."
              + method.getName()
              + parameters(method)
              + " "
              + method.getReturnType().getName();
      case Executable constructor -> owner + parameters(constructor);
      default -> throw new IllegalArgumentException(member.toString());
    };
  }

  private static String parameters(Executable of) {
    return Arrays.stream(of.getParameterTypes())
        .map(Class::getName)
        .collect(Collectors.joining(", ", "(", ")"));
  }

  private static List<String> classes() throws IOException, URISyntaxException {
    URI place = DeviceProvider.class.getProtectionDomain().getCodeSource().getLocation().toURI();
    Path classes = Path.of(place);
    if (Files.isDirectory(classes)) {
      return classes(classes);
    }
    try (FileSystem jar = FileSystems.newFileSystem(classes)) {
      return classes(jar.getPath("/"));
    }
  }

  private static List<String> classes(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      return files
          .map(file -> root.relativize(file).toString())
          .filter(file -> file.startsWith("org/kvmdev/api/") && file.endsWith(".class"))
          .map(file -> file.substring(0, file.length() - ".class".length()).replace('/', '.'))
          .filter(name -> !name.endsWith("-info") && !name.endsWith("Test"))
          .toList();
    }
  }
}
