package org.kvmdev.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.module.Configuration;
import java.lang.module.ModuleFinder;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;

/**
 * Discovery with jars that are built here, sound and broken, by a kvmdev that consists of modules
 * and by one on a class path.
 */
class DiscoveryTest {
  private static final int OURS = 0x4000_0001;

  @TempDir Path temp;
  private Path plugins = Path.of("");
  private Duration loading = Discovery.LOADING;
  private final List<Path> builtIn = new ArrayList<>();

  @BeforeEach
  void pluginFolder() throws IOException {
    plugins = Files.createDirectories(temp.resolve("plugins"));
    Files.createDirectories(temp.resolve("lib"));
  }

  /** How kvmdev itself was put together. */
  enum Mode {
    MODULES {
      @Override
      Class<?> discovery(List<Path> jars) throws ReflectiveOperationException {
        ModuleFinder finder = ModuleFinder.of(jars.toArray(Path[]::new));
        Set<String> roots = new java.util.TreeSet<>();
        finder.findAll().forEach(module -> roots.add(module.descriptor().name()));
        ModuleLayer boot = ModuleLayer.boot();
        Configuration configuration =
            boot.configuration().resolve(finder, ModuleFinder.of(), roots);
        ModuleLayer layer =
            boot.defineModulesWithOneLoader(configuration, ClassLoader.getPlatformClassLoader());
        return layer.findLoader("org.kvmdev.runtime").loadClass(Discovery.class.getName());
      }
    },
    CLASS_PATH {
      @Override
      Class<?> discovery(List<Path> jars) throws ReflectiveOperationException {
        URL[] urls =
            jars.stream()
                .map(
                    jar -> {
                      try {
                        return jar.toUri().toURL();
                      } catch (IOException e) {
                        throw new IllegalStateException(e);
                      }
                    })
                .toArray(URL[]::new);
        // The platform loader alone would find the modules of the boot layer.
        ClassLoader jdk =
            new ClassLoader(ClassLoader.getPlatformClassLoader()) {
              @Override
              protected Class<?> loadClass(String name, boolean resolve)
                  throws ClassNotFoundException {
                if (name.startsWith("org.kvmdev.")) {
                  throw new ClassNotFoundException(name);
                }
                return super.loadClass(name, resolve);
              }
            };
        return new URLClassLoader(urls, jdk).loadClass(Discovery.class.getName());
      }
    };

    abstract Class<?> discovery(List<Path> jars) throws ReflectiveOperationException;
  }

  /** What was found, as text. */
  private record Found(List<String> plugins, List<String> faults) {
    /** Nothing is wrong, and this is what is there. */
    void is(String... expected) {
      assertEquals(List.of(), faults);
      assertEquals(List.of(expected), plugins);
    }

    /** The only fault is of the jar, and names each of the texts. */
    void faultIn(String jar, String... texts) {
      assertEquals(1, faults.size(), faults::toString);
      String fault = faults.getFirst();
      assertTrue(fault.startsWith(jar + ": "), fault);
      for (String text : texts) {
        assertTrue(fault.contains(text), () -> "no \"" + text + "\" in: " + fault);
      }
    }
  }

  private Object discover(Mode mode, Path folder) throws ReflectiveOperationException {
    List<Path> jars = new ArrayList<>();
    jars.add(PluginBuilder.place(DeviceProvider.class));
    jars.add(PluginBuilder.place(Discovery.class));
    jars.addAll(builtIn);
    Class<?> discovery = mode.discovery(jars);
    Class<?> allowed = discovery.getClassLoader().loadClass(AllowList.class.getName());
    return discovery
        .getMethod("find", Path.class, allowed, Duration.class)
        .invoke(null, folder, null, loading);
  }

  private Found find(Mode mode) throws ReflectiveOperationException {
    return find(mode, plugins);
  }

  private Found find(Mode mode, Path folder) throws ReflectiveOperationException {
    Object discovery = discover(mode, folder);
    List<String> found = new ArrayList<>();
    for (Object plugin : list(discovery, "plugins")) {
      String hosts = list(plugin, "hosts").toString();
      found.add(
          ask(plugin, "origin")
              + " "
              + list(plugin, "types")
              + (hosts.equals("[]") ? "" : " " + hosts));
    }
    return new Found(found, list(discovery, "faults").stream().map(String::valueOf).toList());
  }

  private static List<?> list(Object target, String method) throws ReflectiveOperationException {
    return (List<?>) ask(target, method);
  }

  private static @Nullable Object ask(Object target, String method)
      throws ReflectiveOperationException {
    return target.getClass().getMethod(method).invoke(target);
  }

  private static PluginBuilder counter() {
    return new PluginBuilder()
        .provider("com.example.Counter", OURS, "")
        .service("com.example.Counter");
  }

  private static PluginBuilder counterWith(String members) {
    return new PluginBuilder()
        .provider("com.example.Counter", OURS, members)
        .service("com.example.Counter");
  }

  private static PluginBuilder counterOf(String types) {
    return new PluginBuilder()
        .provider("com.example.Counter", types, "")
        .service("com.example.Counter");
  }

  private static String type(String number, String name) {
    return "DeviceType.of(" + number + ", \"" + name + "\", \"kvm-test\", \"A test.\")";
  }

  /** A sound plug-in whose use shows that the rest works. */
  private void alsoSound() {
    new PluginBuilder()
        .provider("com.sound.Sound", "List.of(" + type("0x40000099", "SOUND") + ".build())", "")
        .service("com.sound.Sound")
        .jar(plugins.resolve("zz-sound.jar"));
  }

  private void faultOfOne(Mode mode, String jar, String... texts)
      throws ReflectiveOperationException {
    alsoSound();
    Found found = find(mode);
    found.faultIn(jar, texts);
    assertEquals(List.of("zz-sound.jar [SOUND]"), found.plugins());
  }

  // What works.

  @ParameterizedTest
  @EnumSource
  void aJarAloneWithoutAModuleDescriptor(Mode mode) throws Exception {
    counter().jar(plugins.resolve("counter.jar"));
    find(mode).is("counter.jar [KVM_DEV_TYPE_TEST]");
  }

  @ParameterizedTest
  @EnumSource
  void aJarThatIsAModule(Mode mode) throws Exception {
    new PluginBuilder()
        .provider("com.example.Counter", OURS, "")
        .module(
            "module com.example.counter { requires org.kvmdev.api;"
                + " provides org.kvmdev.api.DeviceProvider with com.example.Counter; }")
        .resource("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nImplementation-Version: 1.7\n")
        .jar(plugins.resolve("counter.jar"));
    find(mode).is("counter.jar [KVM_DEV_TYPE_TEST]");
    Object origin = ask(list(discover(mode, plugins), "plugins").getFirst(), "origin");
    assertEquals("com.example.counter", ask(origin, "module"));
    assertEquals("1.7", ask(origin, "version"));
    assertEquals(plugins.resolve("counter.jar"), ask(origin, "path"));
  }

  @ParameterizedTest
  @EnumSource
  void aFolderWithLibrariesEachItsOwn(Mode mode) throws Exception {
    for (String each : List.of("one", "two")) {
      Path library =
          new PluginBuilder()
              .source(
                  "lib.Name",
                  "package lib; public class Name { public static String of = \"" + each + "\"; }")
              .jar(plugins.resolve(each).resolve("names.jar"));
      int number = OURS + each.length() + each.charAt(0);
      new PluginBuilder()
          .library(library)
          .provider(
              "com.example.Counter",
              "List.of(DeviceType.of(" + number + ", lib.Name.of, \"kvm-x\", \"x\").build())",
              "")
          .service("com.example.Counter")
          .jar(plugins.resolve(each).resolve("counter.jar"));
    }
    find(mode).is("counter.jar [one]", "counter.jar [two]");
  }

  @ParameterizedTest
  @EnumSource
  void aModuleAndItsLibraryWithoutDescriptorInOneFolder(Mode mode) throws Exception {
    Path library =
        new PluginBuilder()
            .source("lib.Name", "package lib; public class Name { public static int one = 1; }")
            .jar(plugins.resolve("both").resolve("names-1.2.jar"));
    new PluginBuilder()
        .library(library)
        .provider("com.example.Counter", OURS, "static final int ONE = lib.Name.one;")
        .module(
            "module com.example.counter { requires org.kvmdev.api; requires names;"
                + " provides org.kvmdev.api.DeviceProvider with com.example.Counter; }")
        .jar(plugins.resolve("both").resolve("counter.jar"));
    find(mode).is("counter.jar [KVM_DEV_TYPE_TEST]");
  }

  @ParameterizedTest
  @EnumSource
  void plugInsSeeTheApiAndTheJdkAndNothingElseOfOurs(Mode mode) throws Exception {
    builtIn.add(
        new PluginBuilder()
            .source("ours.Library", "package ours; public class Library { }")
            .module("module ours { exports ours; }")
            .jar(temp.resolve("lib/ours.jar")));
    String sees =
        """
        static String sees(String name) {
          try {
            return " " + Class.forName(name).getSimpleName();
          } catch (ClassNotFoundException e) {
            return "";
          }
        }
        static String names() {
          return "SEES" + sees("org.kvmdev.api.register.RegisterMap") + sees("java.util.logging.Level")
              + sees("org.kvmdev.runtime.Discovery") + sees("ours.Library")
              + sees("org.junit.jupiter.api.Test");
        }
        """;
    new PluginBuilder()
        .provider(
            "com.example.Counter",
            "List.of(DeviceType.of(0x40000001, names(), \"kvm-x\", \"x\").build())",
            sees)
        .service("com.example.Counter")
        .jar(plugins.resolve("counter.jar"));
    find(mode).is("counter.jar [SEES RegisterMap Level]");
  }

  @ParameterizedTest
  @EnumSource
  void aPlugInMayHaveALibraryThatKvmdevHasToo(Mode mode) throws Exception {
    PluginBuilder library =
        new PluginBuilder()
            .source("ours.Library", "package ours; public class Library { public int a; }");
    builtIn.add(library.module("module ours { exports ours; }").jar(temp.resolve("lib/ours.jar")));
    counter()
        .source("ours.Library", "package ours; public class Library { public int b; }")
        .jar(plugins.resolve("counter.jar"));
    find(mode).is("counter.jar [KVM_DEV_TYPE_TEST]");
  }

  @ParameterizedTest
  @EnumSource
  void aNumberOfTheKernelsThatNobodyHas(Mode mode) throws Exception {
    counterOf("List.of(" + type("9", "KVM_DEV_TYPE_XIVE") + ".build())")
        .jar(plugins.resolve("xive.jar"));
    find(mode).is("xive.jar [KVM_DEV_TYPE_XIVE]");
  }

  @ParameterizedTest
  @EnumSource
  void builtInProvidersComeFirst(Mode mode) throws Exception {
    builtIn.add(builtIn("com.builtin.Mpic", OURS + 1).jar(temp.resolve("lib/mpic.jar")));
    counter().jar(plugins.resolve("counter.jar"));
    find(mode).is("mpic.jar [KVM_DEV_TYPE_TEST]", "counter.jar [KVM_DEV_TYPE_TEST]");
  }

  private static PluginBuilder builtIn(String className, int number) {
    return new PluginBuilder()
        .provider(className, number, "")
        .service(className)
        .module(
            "module builtin { requires org.kvmdev.api;"
                + " provides org.kvmdev.api.DeviceProvider with "
                + className
                + "; }");
  }

  @ParameterizedTest
  @EnumSource
  void whatIsNoJarIsPassedOver(Mode mode) throws Exception {
    Files.writeString(plugins.resolve("README.md"), "Plug-ins.");
    Files.createDirectories(plugins.resolve(".git"));
    find(mode).is();
  }

  @ParameterizedTest
  @EnumSource
  void aPlugInIsCollectedWhenNobodyUsesItAnyMore(Mode mode) throws Exception {
    counter().jar(plugins.resolve("counter.jar"));
    Object provider = ask(list(discover(mode, plugins), "plugins").getFirst(), "provider");
    WeakReference<ClassLoader> loader = new WeakReference<>(provider.getClass().getClassLoader());
    assertEquals("counter.jar", loader.get().getName());
    provider = null;
    PluginsInUseTest.isCollected(loader);
  }

  @ParameterizedTest
  @EnumSource
  void aJarThatIsReplacedIsReadAgain(Mode mode) throws Exception {
    String hosts =
        "public List<Host> hosts() { return List.of(Host.read(\"pc\","
            + " Counter.class.getResourceAsStream(\"pc.properties\"))); }";
    for (String kernel : List.of("6.1", "6.12")) {
      new PluginBuilder()
          .provider("com.example.Counter", OURS, hosts)
          .service("com.example.Counter")
          .resource(
              "com/example/pc.properties",
              "architecture=pc\nendian=little\nkernel=" + kernel + "\n")
          .jar(plugins.resolve("counter.jar"));
      Object plugin = list(discover(mode, plugins), "plugins").getFirst();
      assertEquals(kernel, ask(list(plugin, "hosts").getFirst(), "kernel"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void librariesInVersionsThatClash(Mode mode) throws Exception {
    // Between the versions a method changed its type: with the other's class, neither would link.
    String library = "package lib; public class Words { public static %s number() { return %s; } }";
    for (String each : List.of("int 1", "String \"2\"")) {
      String type = each.split(" ")[0];
      Path folder = plugins.resolve(type.toLowerCase(java.util.Locale.ROOT));
      Path words =
          new PluginBuilder()
              .source("lib.Words", library.formatted((Object[]) each.split(" ")))
              .resource("lib/version.txt", "version of " + type)
              .jar(folder.resolve("words.jar"));
      new PluginBuilder()
          .library(words)
          .provider(
              "com.example.Counter",
              "List.of(DeviceType.of("
                  + (OURS + type.length())
                  + ", lib.Words.number() + read(), \"kvm-x\", \"x\").build())",
              """
              static String read() {
                try (var in = lib.Words.class.getResourceAsStream("version.txt")) {
                  return " " + new String(in.readAllBytes());
                } catch (java.io.IOException e) {
                  throw new java.io.UncheckedIOException(e);
                }
              }
              """)
          .service("com.example.Counter")
          .jar(folder.resolve("counter.jar"));
    }
    find(mode).is("counter.jar [1 version of int]", "counter.jar [2 version of String]");
  }

  @Test
  void kvmLoadsPlugIns() {
    counter().jar(plugins.resolve("counter.jar"));
    counterWith("{ if (true) throw new IllegalStateException(\"no\"); }")
        .jar(plugins.resolve("broken.jar"));
    try (Kvm kvm = Kvm.load(plugins)) {
      assertTrue(kvm.types().stream().map(DeviceType::number).toList().contains(OURS));
      assertEquals(List.of("broken.jar"), kvm.faults().stream().map(DiscoveryFault::jar).toList());
      assertEquals("counter.jar", kvm.plugins().getLast().origin().jar());
    }
  }

  @Test
  void onePlugInIsFoundByItself() throws Exception {
    Path jar = counter().jar(plugins.resolve("counter.jar"));
    alsoSound();
    Discovery alone = Discovery.plugin(jar, Discovery.LOADING);
    assertEquals(List.of(), alone.faults());
    assertEquals(
        List.of("counter.jar"),
        alone.plugins().stream().map(Plugin::origin).map(Origin::jar).toList());
    counter().jar(plugins.resolve("counter").resolve("other.jar"));
    assertEquals(
        1, Discovery.plugin(plugins.resolve("counter"), Discovery.LOADING).plugins().size());
    assertEquals(
        "notes.txt: it is neither a jar nor a folder. Name a plug-in's jar, or the folder that it"
            + " and its libraries are in.",
        Discovery.plugin(Files.writeString(temp.resolve("notes.txt"), "none"), Discovery.LOADING)
            .faults()
            .getFirst()
            .message());
    assertTrue(
        Discovery.plugin(temp.resolve("none.jar"), Discovery.LOADING)
            .faults()
            .getFirst()
            .what()
            .contains("no such file"));
  }

  // What does not.

  @ParameterizedTest
  @EnumSource
  void thereIsNoSuchFolder(Mode mode) throws Exception {
    Path folder = temp.resolve("pluggins");
    find(mode, folder).faultIn(folder.toString(), "no such folder", "Name the folder that has");
  }

  @ParameterizedTest
  @EnumSource
  void aFolderWithoutAJar(Mode mode) throws Exception {
    Files.createDirectories(plugins.resolve("empty"));
    faultOfOne(mode, "empty", "no jar in it", "Put the plug-in's jars there");
  }

  @ParameterizedTest
  @EnumSource
  void aFileThatIsNoJar(Mode mode) throws Exception {
    Files.writeString(plugins.resolve("counter.jar"), "404 not found");
    faultOfOne(mode, "counter.jar", "cannot be read as a jar", "Copy or build it again.");
  }

  @ParameterizedTest
  @EnumSource
  void aBrokenJarInAFolderIsNamed(Mode mode) throws Exception {
    counter().jar(plugins.resolve("counter").resolve("counter.jar"));
    Files.writeString(plugins.resolve("counter").resolve("names.jar"), "404 not found");
    faultOfOne(mode, "counter", "names.jar: it cannot be read as a jar", "Copy or build it again.");
  }

  @ParameterizedTest
  @EnumSource
  void noProvider(Mode mode) throws Exception {
    new PluginBuilder()
        .source("lib.Name", "package lib; public class Name { }")
        .jar(plugins.resolve("names.jar"));
    faultOfOne(
        mode,
        "names.jar",
        "has no org.kvmdev.api.DeviceProvider",
        PluginBuilder.SERVICES,
        "a library of a plug-in lies beside it");
  }

  @ParameterizedTest
  @EnumSource
  void aProviderThatIsNotThere(Mode mode) throws Exception {
    counter().service("com.example.Couter").jar(plugins.resolve("counter.jar"));
    faultOfOne(mode, "counter.jar", "com.example.Couter, which is not in it", "correct the name");
  }

  @ParameterizedTest
  @EnumSource
  void aProviderThatIsNone(Mode mode) throws Exception {
    new PluginBuilder()
        .source("com.example.Counter", "package com.example; public class Counter { }")
        .service("com.example.Counter")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(
        mode, "counter.jar", "is not a org.kvmdev.api.DeviceProvider", "Let it implement that");
  }

  @ParameterizedTest
  @EnumSource
  void aConstructorThatIsNotPublic(Mode mode) throws Exception {
    counterWith("private Counter() {}").jar(plugins.resolve("counter.jar"));
    faultOfOne(
        mode,
        "counter.jar",
        "com.example.Counter has no public constructor without parameters",
        "Add one.");
  }

  @ParameterizedTest
  @EnumSource
  void aClassThatIsNotPublic(Mode mode) throws Exception {
    counter()
        .source(
            "com.example.Counter",
            "package com.example; abstract class Counter implements org.kvmdev.api.DeviceProvider {"
                + " }")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(mode, "counter.jar", "not a public class that can be made", "Declare it public");
  }

  @ParameterizedTest
  @EnumSource
  void aConstructorThatThrows(Mode mode) throws Exception {
    counterWith("public Counter() { throw new IllegalStateException(\"no licence\"); }")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(
        mode,
        "counter.jar",
        "com.example.Counter cannot be made",
        "no licence",
        "report it to its author, or remove the jar");
  }

  @ParameterizedTest
  @EnumSource
  void aConstructorThatNeverEnds(Mode mode) throws Exception {
    counterWith("public Counter() { deep(0); } int deep(int n) { return deep(n + 1) + 1; }")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(
        mode, "counter.jar", "cannot be made: java.lang.StackOverflowError", "remove the jar");
  }

  @ParameterizedTest
  @EnumSource
  void aConstructorThatHangs(Mode mode) throws Exception {
    loading = Duration.ofSeconds(2);
    counterWith(
            "public Counter() { try { Thread.sleep(1L << 40); } catch (InterruptedException e) { }"
                + " }")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(
        mode,
        "counter.jar",
        "its provider com.example.Counter is not there after 2 s: it is at",
        "com.example.Counter.<init>(Counter.java:",
        "what takes long belongs into DeviceOps.init");
  }

  @ParameterizedTest
  @EnumSource
  void aDeclarationThatHangs(Mode mode) throws Exception {
    loading = Duration.ofSeconds(2);
    counterOf("spin()")
        .provider(
            "com.example.Counter",
            "spin()",
            "List<DeviceType> spin() { while (!Thread.interrupted()) { } return List.of(); }")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(mode, "counter.jar", "not there after 2 s", "com.example.Counter.spin(");
  }

  /** What is refused by its class files, and how that is told. */
  private static final Map<String, List<String>> ESCAPES =
      Map.of(
          "static void go() { System.exit(3); }",
          List.of("com.example.Counter.go calls System.exit, which would end the whole process"),
          "static void go() { Runtime.getRuntime().halt(3); }",
          List.of("com.example.Counter.go calls Runtime.halt, which would end"),
          "static void go() { Runtime.getRuntime().exit(3); }",
          List.of("com.example.Counter.go calls Runtime.exit, which would end"),
          "static java.util.function.IntConsumer go = System::exit;",
          List.of("com.example.Counter calls System.exit"),
          "static void go() { System.loadLibrary(\"x\"); }",
          List.of("com.example.Counter.go calls System.loadLibrary, which is for native code"),
          "static void go() { Runtime.getRuntime().load(\"/x\"); }",
          List.of("com.example.Counter.go calls Runtime.load, which is for native code"),
          "static native int go();",
          List.of("com.example.Counter.go is a native method"),
          "static Object go() { return java.lang.foreign.Linker.nativeLinker(); }",
          List.of("com.example.Counter uses Linker, which is for native code"));

  @ParameterizedTest
  @EnumSource
  void aCallThatNobodyCouldContain(Mode mode) throws Exception {
    int number = OURS;
    for (String each : ESCAPES.keySet()) {
      counterWith(each).jar(plugins.resolve("jar" + number++ + ".jar"));
    }
    alsoSound();
    Found found = find(mode);
    assertEquals(List.of("zz-sound.jar [SOUND]"), found.plugins());
    assertEquals(ESCAPES.size(), found.faults().size());
    int at = 0;
    for (List<String> texts : ESCAPES.values()) {
      new Found(List.of(), List.of(found.faults().get(at)))
          .faultIn(
              "jar" + (OURS + at) + ".jar",
              texts.getFirst(),
              "may neither end the process nor be native");
      at++;
    }
  }

  @ParameterizedTest
  @EnumSource
  void aLibraryThatEndsTheProcess(Mode mode) throws Exception {
    new PluginBuilder()
        .source(
            "lib.Tool",
            "package lib; public class Tool { public static void main(String[] a) {"
                + " System.exit(1); } }")
        .jar(plugins.resolve("counter").resolve("tool.jar"));
    counter().jar(plugins.resolve("counter").resolve("counter.jar"));
    faultOfOne(mode, "counter", "tool.jar: lib.Tool.main calls System.exit");
  }

  @ParameterizedTest
  @EnumSource
  void aClassFileThatIsNone(Mode mode) throws Exception {
    counter().resource("com/example/Other.class", "\u00ca").jar(plugins.resolve("counter.jar"));
    find(mode).is("counter.jar [KVM_DEV_TYPE_TEST]");
  }

  // The list of allowed jars.

  private String sha256(Path jar) throws Exception {
    return java.util.HexFormat.of()
        .formatHex(
            java.security.MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(jar)));
  }

  @ParameterizedTest
  @EnumSource
  void aJarThatIsNotOnTheFoldersList(Mode mode) throws Exception {
    alsoSound();
    Path jar = counter().jar(plugins.resolve("counter.jar"));
    Files.writeString(
        plugins.resolve("SHA256SUMS"),
        "# ours\n" + sha256(plugins.resolve("zz-sound.jar")) + "  zz-sound.jar\n");
    faultOfOne(
        mode,
        "counter.jar",
        "its SHA-256 " + sha256(jar) + " is not on the list of allowed jars",
        "add what sha256sum prints");
  }

  @ParameterizedTest
  @EnumSource
  void aLibraryThatIsNotOnTheList(Mode mode) throws Exception {
    Path library =
        new PluginBuilder()
            .source("lib.Name", "package lib; public class Name { }")
            .jar(plugins.resolve("counter").resolve("names.jar"));
    Path jar = counter().jar(plugins.resolve("counter").resolve("counter.jar"));
    Files.writeString(
        plugins.resolve("SHA256SUMS"),
        sha256(jar) + " *counter/counter.jar\n" + "0".repeat(64) + "  counter/names.jar\n");
    find(mode)
        .faultIn(
            "counter",
            "names.jar: its SHA-256 " + sha256(library),
            "which has another for a jar of this name");
    Files.writeString(
        plugins.resolve("SHA256SUMS"),
        sha256(jar).toUpperCase(java.util.Locale.ROOT) + "  a\n" + sha256(library) + "  b\n");
    find(mode).is("counter.jar [KVM_DEV_TYPE_TEST]");
  }

  @ParameterizedTest
  @EnumSource
  void aListThatIsNone(Mode mode) throws Exception {
    counter().jar(plugins.resolve("counter.jar"));
    Files.writeString(plugins.resolve("SHA256SUMS"), "\ncounter.jar is fine\n");
    Found found = find(mode);
    assertEquals(List.of(), found.plugins());
    found.faultIn("SHA256SUMS", "so that none is", "SHA256SUMS:2: no line of sha256sum's");
  }

  @Test
  void aListThatTheCallerGives() throws Exception {
    Path jar = counter().jar(plugins.resolve("counter.jar"));
    Files.writeString(plugins.resolve("SHA256SUMS"), sha256(jar) + "  counter.jar\n");
    AllowList none = AllowList.read(Files.writeString(temp.resolve("none"), ""));
    Discovery found = Discovery.find(plugins, none, Discovery.LOADING);
    assertEquals(List.of("counter.jar"), found.faults().stream().map(DiscoveryFault::jar).toList());
  }

  @ParameterizedTest
  @EnumSource
  void aStaticInitializerThatThrows(Mode mode) throws Exception {
    counterWith("static { if (true) throw new IllegalStateException(\"no table\"); }")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(mode, "counter.jar", "cannot be made", "no table", "remove the jar");
  }

  @ParameterizedTest
  @EnumSource
  void typesThatThrow(Mode mode) throws Exception {
    counterOf("List.of((DeviceType) null)").jar(plugins.resolve("counter.jar"));
    faultOfOne(
        mode,
        "counter.jar",
        "asking com.example.Counter.types() failed",
        "java.lang.NullPointerException",
        "remove the jar");
  }

  @ParameterizedTest
  @EnumSource
  void typesThatAreNull(Mode mode) throws Exception {
    counterOf("null").jar(plugins.resolve("counter.jar"));
    faultOfOne(mode, "counter.jar", "com.example.Counter.types() answers null", "Answer an empty");
  }

  @ParameterizedTest
  @EnumSource
  void hostsThatThrow(Mode mode) throws Exception {
    counterWith("public List<Host> hosts() { return List.of(Host.read(\"pc\", null)); }")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(
        mode,
        "counter.jar",
        "asking com.example.Counter.hosts() failed",
        "host pc: its file is not where its provider looks for it",
        "remove the jar");
  }

  @ParameterizedTest
  @EnumSource
  void aHostWithALineThatIsWrong(Mode mode) throws Exception {
    new PluginBuilder()
        .provider(
            "com.example.Counter",
            OURS,
            "public List<Host> hosts() { return List.of(Host.read(\"pc\","
                + " Counter.class.getResourceAsStream(\"pc.properties\"),"
                + " Counter.class.getResourceAsStream(\"pc.tables\"))); }")
        .service("com.example.Counter")
        .resource("com/example/pc.properties", "architecture=pc\nendian=little\n")
        .resource("com/example/pc.tables", "onereg\n0x1 rax\n")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(
        mode,
        "counter.jar",
        "its host pc cannot be used",
        "the tables of host pc, line 2: 0x1 rax",
        "remove the jar");
  }

  @ParameterizedTest
  @EnumSource
  void aClassThatIsMissing(Mode mode) throws Exception {
    counter()
        .provider("com.example.Counter", OURS, "Object names = lib.Name.of();")
        .source(
            "lib.Name",
            "package lib; public class Name { static Object of; public static Object of() { return"
                + " of; } }")
        .without("lib.Name")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(
        mode, "counter.jar", "the class lib.Name is missing", "Put the jar that has it beside it");
  }

  @ParameterizedTest
  @EnumSource
  void aMethodThatTheApiDoesNotHave(Mode mode) throws Exception {
    counter()
        .provider(
            "com.example.Counter",
            "old()",
            "List<DeviceType> old() { throw new NoSuchMethodError(\"DeviceType.flavour()\"); }")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(
        mode,
        "counter.jar",
        "DeviceType.flavour()",
        "Compile it against this version of org.kvmdev.api");
  }

  @ParameterizedTest
  @EnumSource
  void classesOfANewerJava(Mode mode) throws Exception {
    counter().jar(plugins.resolve("counter.jar"));
    fromTheFuture(plugins.resolve("counter.jar"), "com/example/Counter.class");
    faultOfOne(mode, "counter.jar", "compiled for a newer Java", "--release 25 or lower");
  }

  @ParameterizedTest
  @EnumSource
  void aModuleDescriptorOfANewerJava(Mode mode) throws Exception {
    counter()
        .module("module counter { requires org.kvmdev.api; }")
        .jar(plugins.resolve("counter.jar"));
    fromTheFuture(plugins.resolve("counter.jar"), "module-info.class");
    faultOfOne(mode, "counter.jar", "compiled for a newer Java", "--release 25 or lower");
  }

  /** Gives a class in a jar a version that no Java has yet. */
  private static void fromTheFuture(Path jar, String entry) throws IOException {
    Map<String, byte[]> content = new HashMap<>();
    try (JarFile file = new JarFile(jar.toFile())) {
      for (JarEntry each : file.stream().toList()) {
        content.put(each.getName(), file.getInputStream(each).readAllBytes());
      }
    }
    content.get(entry)[7] = (byte) 200;
    try (JarOutputStream to = new JarOutputStream(Files.newOutputStream(jar))) {
      for (Map.Entry<String, byte[]> each : content.entrySet()) {
        to.putNextEntry(new JarEntry(each.getKey()));
        to.write(each.getValue());
        to.closeEntry();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aCopyOfTheApi(Mode mode) throws Exception {
    counter()
        .resource("org/kvmdev/api/DeviceProvider.class", "its bytes")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(
        mode, "counter.jar", "has a copy of org.kvmdev.api", "Remove it: plug-ins use the one");
  }

  @ParameterizedTest
  @EnumSource
  void aFileNameThatGivesNoModule(Mode mode) throws Exception {
    counter().jar(plugins.resolve("7-seas.jar"));
    faultOfOne(
        mode, "7-seas.jar", "no module name can be made of its file name", "Automatic-Module-Name");
  }

  @Test
  void aModuleOfTheJdkThatIsNotThere() throws Exception {
    Path absent =
        new PluginBuilder().module("module jdk.absent { }").jar(temp.resolve("lib/absent.jar"));
    new PluginBuilder()
        .library(absent)
        .provider("com.example.Counter", OURS, "")
        .module(
            "module com.example.counter { requires org.kvmdev.api; requires jdk.absent;"
                + " provides org.kvmdev.api.DeviceProvider with com.example.Counter; }")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(
        Mode.MODULES,
        "counter.jar",
        "requires the JDK's module jdk.absent",
        "Start with --add-modules jdk.absent, or link an image that has it.");
  }

  @Test
  void aModuleThatIsNotForPlugIns() throws Exception {
    new PluginBuilder()
        .library(PluginBuilder.place(Discovery.class))
        .provider("com.example.Counter", OURS, "")
        .module(
            "module com.example.counter { requires org.kvmdev.api; requires org.kvmdev.runtime;"
                + " provides org.kvmdev.api.DeviceProvider with com.example.Counter; }")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(
        Mode.MODULES,
        "counter.jar",
        "requires the module org.kvmdev.runtime, which plug-ins do not",
        "plug-ins see org.kvmdev.api alone");
  }

  @Test
  void onePackageInTwoModules() throws Exception {
    for (String each : List.of("a", "b")) {
      new PluginBuilder()
          .source("lib.Name" + each, "package lib; public class Name" + each + " { }")
          .jar(plugins.resolve("counter").resolve(each + ".jar"));
    }
    counter().jar(plugins.resolve("counter").resolve("counter.jar"));
    faultOfOne(
        Mode.MODULES,
        "counter",
        "its modules do not fit together",
        "package lib",
        "Each package belongs into one jar");
  }

  @Test
  void oneModuleTwice() throws Exception {
    counter().jar(plugins.resolve("counter").resolve("counter-1.0.jar"));
    counter().jar(plugins.resolve("counter").resolve("counter-1.1.jar"));
    faultOfOne(
        Mode.MODULES,
        "counter",
        "counter-1.0.jar and counter-1.1.jar are both the module counter",
        "Remove one of them.");
  }

  @ParameterizedTest
  @EnumSource
  void aTypeNumberThatAnotherPlugInHas(Mode mode) throws Exception {
    counter().jar(plugins.resolve("a.jar"));
    counter().jar(plugins.resolve("b.jar"));
    Found found = find(mode);
    found.faultIn(
        "b.jar", "0x40000001 (KVM_DEV_TYPE_TEST) is taken by a.jar", "Remove one of the two jars");
    assertEquals(List.of("a.jar [KVM_DEV_TYPE_TEST]"), found.plugins());
  }

  @ParameterizedTest
  @EnumSource
  void aTypeNumberThatABuiltInTypeHas(Mode mode) throws Exception {
    builtIn.add(builtIn("com.builtin.Mpic", 1).jar(temp.resolve("lib/mpic.jar")));
    counterOf("List.of(" + type("1", "MINE") + ".build())").jar(plugins.resolve("a.jar"));
    Found found = find(mode);
    found.faultIn(
        "a.jar", "the device type 1 (MINE) is taken by mpic.jar", "another number from 0x40000000");
    assertEquals(List.of("mpic.jar [KVM_DEV_TYPE_TEST]"), found.plugins());
  }

  @ParameterizedTest
  @EnumSource
  void oneProviderThatClaimsANumberTwice(Mode mode) throws Exception {
    counterOf(
            "List.of("
                + type("0x40000001", "A")
                + ".build(), "
                + type("0x40000001", "B")
                + ".build())")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(
        mode, "counter.jar", "the number 0x40000001 to both A and B", "Give one of them another");
  }

  @ParameterizedTest
  @EnumSource
  void aNumberThatIsNone(Mode mode) throws Exception {
    counterOf("List.of(" + type("0", "ZERO") + ".build())").jar(plugins.resolve("counter.jar"));
    faultOfOne(mode, "counter.jar", "the type ZERO has the number 0", "0x40000000 to 0x7fffffff");
  }

  @ParameterizedTest
  @EnumSource
  void anAttributeWhoseOperationTheTypeDoesNotHave(Mode mode) throws Exception {
    counterOf(
            "List.of("
                + type("0x40000001", "A")
                + ".operations(Operation.HAS_ATTR).attributes(List.of(G),"
                + " List.of(Attribute.of(G, 0, \"COUNT\", \"x\").build())).build());}"
                + " static final AttributeGroup G = AttributeGroup.of(0, \"GROUP\", \"x\").build();"
                + " static { int done = 0")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(
        mode, "counter.jar", "the type A declares GROUP/COUNT with an access", "Add GET_ATTR");
  }

  @ParameterizedTest
  @EnumSource
  void anAttributeWithoutItsGroup(Mode mode) throws Exception {
    counterOf(
            "List.of("
                + type("0x40000001", "A")
                + ".attributes(List.of(),"
                + " List.of(Attribute.of(G, 0, \"COUNT\", \"x\").build())).build());}"
                + " static final AttributeGroup G = AttributeGroup.of(0, \"GROUP\", \"x\").build();"
                + " static { int done = 0")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(mode, "counter.jar", "declares GROUP/COUNT without its group", "Declare the group");
  }

  @ParameterizedTest
  @EnumSource
  void twoHostsOfOneName(Mode mode) throws Exception {
    for (String each : List.of("a", "b")) {
      int number = OURS + each.charAt(0);
      new PluginBuilder()
          .provider(
              "com.example." + each + ".Counter",
              number,
              "public List<Host> hosts() { return List.of(Host.read(\"pc\","
                  + " Counter.class.getResourceAsStream(\"pc.properties\"))); }")
          .service("com.example." + each + ".Counter")
          .resource("com/example/" + each + "/pc.properties", "architecture=pc\nendian=little\n")
          .jar(plugins.resolve(each + ".jar"));
    }
    Found found = find(mode);
    found.faultIn(
        "b.jar", "the host pc is shipped by a.jar too, whose is used", "Give one of them another");
    assertEquals(
        List.of("a.jar [KVM_DEV_TYPE_TEST] [pc]", "b.jar [KVM_DEV_TYPE_TEST]"), found.plugins());
  }

  @ParameterizedTest
  @EnumSource
  void aHostOfAnArchitectureThatIsNotServed(Mode mode) throws Exception {
    counterWith(
            """
            public List<Host> hosts() {
              return List.of(Host.read("pc", Counter.class.getResourceAsStream("pc.properties")));
            }
            """)
        .provider(
            "com.example.Counter",
            OURS,
            """
            public List<Host> hosts() {
              return List.of(Host.read("pc", Counter.class.getResourceAsStream("pc.properties")));
            }
            """)
        .source(
            "com.example.Other",
            """
            package com.example;
            import java.util.*;
            public class Other extends Counter {
              public Set<String> architectures() { return Set.of("arm64"); }
            }
            """)
        .service("com.example.Other")
        .resource("com/example/pc.properties", "architecture=pc\nendian=little\n")
        .jar(plugins.resolve("counter.jar"));
    faultOfOne(
        mode,
        "counter.jar",
        "the host pc of the architecture pc, which it does not serve",
        "Add pc to its architectures()");
  }

  @ParameterizedTest
  @EnumSource
  void aBuiltInProviderThatThrows(Mode mode) throws Exception {
    builtIn.add(
        builtIn("com.builtin.Mpic", 1)
            .provider(
                "com.builtin.Mpic", 1, "{ if (true) throw new IllegalStateException(\"oh\"); }")
            .jar(temp.resolve("lib/mpic.jar")));
    faultOfOne(mode, "mpic.jar", "com.builtin.Mpic cannot be made", "oh", "remove the jar");
  }

  @ParameterizedTest
  @EnumSource
  void aBuiltInProviderThatIsNotThere(Mode mode) throws Exception {
    builtIn.add(
        builtIn("com.builtin.Mpic", 1)
            .source("com.builtin.Other", "package com.builtin; class Other { }")
            .without("com.builtin.Mpic")
            .jar(temp.resolve("lib/mpic.jar")));
    faultOfOne(mode, "mpic.jar", "com.builtin.Mpic");
  }

  @Test
  void modesAreWhatTheySay() throws Exception {
    List<Path> jars =
        List.of(PluginBuilder.place(DeviceProvider.class), PluginBuilder.place(Discovery.class));
    assertEquals(
        List.of(true, false),
        Arrays.stream(Mode.values())
            .map(
                mode -> {
                  try {
                    return mode.discovery(jars).getModule().isNamed();
                  } catch (ReflectiveOperationException e) {
                    throw new AssertionError(e);
                  }
                })
            .toList());
  }
}
