package org.kvmdev.testkit.conformance;

/** docs/conformance.md, from the rules' own data. */
final class ConformanceDocument {
  private static final String INTRODUCTION =
      """
      # The conformance rules

      Every device type is held to these rules, by its descriptors alone: `DeviceConformance` in a test
      class of one line, or `Conformance.check` without JUnit. A rule's name is what a departure names
      (`departs("has_agrees_with_get_and_set", …)`) and what a declared limit names. The kit's own tests
      have at least one broken device, or one broken KVM, for each rule.

      A device that does otherwise because the kernel's device does so declares a departure at its type,
      group or attribute, with the source. The rule then checks that it really departs there; a departure
      that is not declared fails. Departures named `documented_…` are from what the type's own document
      says; they are listed, and no rule reads them.

      This page is made from the rules' data, and a test holds it so.
      """;

  private ConformanceDocument() {}

  static String text() {
    StringBuilder text = new StringBuilder(INTRODUCTION);
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
