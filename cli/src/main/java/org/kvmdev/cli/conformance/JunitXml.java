package org.kvmdev.cli.conformance;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.kvmdev.api.Departure;
import org.kvmdev.testkit.conformance.Result.Outcome;

/**
 * The report that CI systems read: a test suite a device type, a test case a rule. What kept a
 * plug-in from being checked is an error of a suite of its own.
 */
public final class JunitXml {
  private JunitXml() {}

  /**
   * Writes it.
   *
   * @param reports what came of each plug-in
   * @return the document
   */
  public static String of(List<Report> reports) {
    StringBuilder xml = new StringBuilder("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml.append("<testsuites name=\"kvmdev test\">\n");
    for (Report report : reports) {
      if (!report.faults().isEmpty()) {
        faults(xml, report);
      }
      report.types().forEach(type -> suite(xml, type));
    }
    return xml.append("</testsuites>\n").toString();
  }

  private static void faults(StringBuilder xml, Report report) {
    String name = Markup.text(String.valueOf(report.place().getFileName()));
    xml.append(
        "  <testsuite name=\"%s\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">\n"
            .formatted(name));
    xml.append("    <testcase classname=\"%s\" name=\"can be checked\">\n".formatted(name));
    xml.append(
        "      <error message=\"%s\"/>\n".formatted(Markup.text(report.faults().getFirst())));
    xml.append("    </testcase>\n    <system-err>");
    report.faults().forEach(fault -> xml.append(Markup.text(fault + "\n")));
    xml.append("</system-err>\n  </testsuite>\n");
  }

  private static void suite(StringBuilder xml, Report.Type type) {
    xml.append(
        "  <testsuite name=\"%s\" tests=\"%d\" failures=\"%d\" errors=\"0\" skipped=\"%d\" time=\"%s\">\n"
            .formatted(
                Markup.text(type.toString()),
                type.checks().size(),
                type.count(Outcome.FAILED),
                type.count(Outcome.SKIPPED),
                seconds(type.time())));
    for (Report.Check check : type.checks()) {
      String head =
          "    <testcase classname=\"%s\" name=\"%s\" time=\"%s\""
              .formatted(
                  Markup.text(type.name()),
                  Markup.text(check.rule().toString()),
                  seconds(check.time()));
      String body = body(check);
      xml.append(body.isEmpty() ? head + "/>\n" : head + ">\n" + body + "    </testcase>\n");
    }
    xml.append("  </testsuite>\n");
  }

  private static String body(Report.Check check) {
    String details = String.join("\n", check.details());
    return switch (check.outcome()) {
      case FAILED ->
          "      <failure message=\"%s\">%s</failure>\n"
              .formatted(
                  Markup.text(check.details().isEmpty() ? "" : check.details().getFirst()),
                  Markup.text(
                      details
                          + "\nThe rule: "
                          + check.rule().says()
                          + "\nWhy: "
                          + check.rule().reason()));
      case SKIPPED -> "      <skipped message=\"%s\"/>\n".formatted(Markup.text(details));
      case PASSED -> {
        StringBuilder text = new StringBuilder();
        for (Departure departure : check.departures()) {
          text.append("departs as declared: ").append(departure.what());
          text.append(" [").append(departure.source()).append("]\n");
        }
        yield text.isEmpty()
            ? ""
            : "      <system-out>" + Markup.text(text.toString()) + "</system-out>\n";
      }
    };
  }

  private static String seconds(Duration time) {
    return String.format(Locale.ROOT, "%.3f", time.toNanos() / 1e9);
  }
}
