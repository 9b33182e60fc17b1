package org.kvmdev.testkit.conformance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** docs/conformance.md, from the rules' own data. */
final class ConformanceDocument {
  private static final String INTRODUCTION =
      """
      # The conformance rules

      Every device type is held to these rules, by its descriptors alone. A rule's name is what a departure
      names (`departs("has_agrees_with_get_and_set", …)`) and what a declared limit names. The kit's own
      tests have at least one broken device, or one broken KVM, for each rule, and print which rules find it.

      ## Three ways to run them

      **A jar, without writing anything.** In a JVM of its own, so that a device that hangs, exits or crashes
      is a finding like any other:

      ```
      kvmdev test my-device.jar
      kvmdev test --html report.html --junit-xml report.xml my-device.jar
      kvmdev test --rule A05 --seed 0x2a my-device.jar
      kvmdev test --connect 90 --set KVM_DEV_MPIC_BASE_ADDR=0xe0040000 kvmdev-devices-mpic.jar
      ```

      The last one brings the device up: `--connect` enables a capability on each vCPU with the device's file
      and the vCPU's id, `--set` sets an attribute; what needs more is a test class. The exit code is 0 where
      no rule failed, 1 where one did or the jar cannot be checked, 2 for a wrong command line.

      **A JUnit 5 class of one line**, which has a test a rule:

      ```java
      class UartConformanceTest extends DeviceConformance {}
      ```

      It overrides `bringUp` where a device needs more than being made, and `options` to declare what the
      descriptors do not say: a limit skips a rule, and the output says why.

      **Plain Java**, for any other test framework:

      ```java
      %s```

      ## Departures

      A device that does otherwise because the kernel's device does so declares a departure at its type,
      group or attribute, with the source. The rule then checks that it really departs there; a departure
      that is not declared fails. Departures named `documented_…` are from what the type's own document
      says; they are listed, and no rule reads them.

      This page is made from the rules' data, and a test holds it so.
      """;

  private static final Path EXAMPLE =
      Path.of("src/test/java/org/kvmdev/testkit/example/CheckWithoutJunit.java");

  private ConformanceDocument() {}

  /** The class that is shown; what is shown is compiled and run by a test. */
  private static String example() throws IOException {
    String source = Files.readString(EXAMPLE);
    return source.substring(source.indexOf("import "));
  }

  static String text() throws IOException {
    StringBuilder text = new StringBuilder(INTRODUCTION.formatted(example()));
    for (Chapter chapter : Chapter.values()) {
      text.append("\n## ").append(chapter.title()).append("\n\n");
      text.append("| id | rule | what it demands | why |\n|---|---|---|---|\n");
      for (Rule rule : Conformance.rules()) {
        if (rule.chapter() == chapter) {
          text.append(
              "| %s | `%s` | %s | %s |\n"
                  .formatted(rule.id(), rule.name(), cell(rule.says()), cell(rule.reason())));
        }
      }
    }
    return text.toString();
  }

  private static String cell(String text) {
    return text.replace("|", "\\|");
  }
}
