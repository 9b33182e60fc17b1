package org.kvmdev.cli.architecture;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** All modules of kvmdev against the rules of its design. */
class ArchitectureTest {
  private static final String[] JAVA = {"java..", "org.jspecify.."};
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("org.kvmdev");
  private static final List<String> DEVICES = List.of("mpic", "vgic", "xics");

  @Test
  void everyModuleIsLookedAt() {
    for (String module :
        List.of(
            "api",
            "runtime",
            "testkit",
            "bridge",
            "cli",
            "devices.mpic",
            "devices.vgic",
            "devices.xics")) {
      assertTrue(
          CLASSES.stream()
              .anyMatch(type -> type.getName().startsWith("org.kvmdev." + module + ".")),
          () -> "no class of " + module + " was found");
    }
  }

  @Test
  void apiKnowsNothingButJava() {
    Rules.dependsOnlyOn("org.kvmdev.api..", with(JAVA, "org.kvmdev.api..")).check(CLASSES);
  }

  @Test
  void runtimeKnowsApiAlone() {
    Rules.dependsOnlyOn(
            "org.kvmdev.runtime..", with(JAVA, "org.kvmdev.api..", "org.kvmdev.runtime.."))
        .check(CLASSES);
  }

  @Test
  void testkitKnowsNoDevice() {
    Rules.dependsOnlyOn(
            "org.kvmdev.testkit..",
            with(
                JAVA,
                "org.kvmdev.api..",
                "org.kvmdev.runtime..",
                "org.kvmdev.testkit..",
                "com.fasterxml.jackson.core..",
                "com.sun.management..",
                "org.junit.jupiter..",
                "org.opentest4j.."))
        .check(CLASSES);
  }

  @Test
  void bridgeKnowsTheRuntimeAndNoDevice() {
    Rules.dependsOnlyOn(
            "org.kvmdev.bridge..",
            with(JAVA, "org.kvmdev.api..", "org.kvmdev.runtime..", "org.kvmdev.bridge.."))
        .check(CLASSES);
  }

  @Test
  void cliKnowsNoDevice() {
    Rules.dependsOnlyOn(
            "org.kvmdev.cli..",
            with(
                JAVA,
                "org.kvmdev.api..",
                "org.kvmdev.runtime..",
                "org.kvmdev.testkit..",
                "org.kvmdev.bridge..",
                "org.kvmdev.cli..",
                "com.fasterxml.jackson.core..",
                "picocli.."))
        .check(CLASSES);
  }

  @TestFactory
  Stream<DynamicTest> aDeviceKnowsApiAndItself() {
    return devices(
        module ->
            Rules.dependsOnlyOn(
                    module + "..",
                    with(JAVA, "org.kvmdev.api..", module + "..", "com.google.auto.service.."))
                .check(CLASSES));
  }

  @TestFactory
  Stream<DynamicTest> aDeviceIsAPlainModel() {
    return devices(
        module -> {
          Rules.isAPlainModel(module + "..").check(CLASSES);
          Rules.startsNoThread(module + "..").check(CLASSES);
        });
  }

  @Test
  void junitIsOneFaceOfTheKit() {
    Rules.junitOnlyIn("org.kvmdev.testkit..", "org.kvmdev.testkit.junit..").check(CLASSES);
  }

  @Test
  void theSpiShowsNothingButItselfAndJava() {
    Rules.showsOnly(
            "org.kvmdev.api..",
            "java.lang..",
            "java.util..",
            "java.io",
            "java.nio",
            "org.kvmdev.api..")
        .check(CLASSES);
  }

  @Test
  void theCoreNamesNoArchitecture() {
    Rules.namesNoArchitecture("org.kvmdev.api..", "org.kvmdev.runtime..").check(CLASSES);
  }

  private static Stream<DynamicTest> devices(java.util.function.Consumer<String> check) {
    return DEVICES.stream()
        .map(
            name ->
                DynamicTest.dynamicTest(name, () -> check.accept("org.kvmdev.devices." + name)));
  }

  private static String[] with(String[] some, String... more) {
    return Stream.concat(Stream.of(some), Stream.of(more)).toArray(String[]::new);
  }
}
