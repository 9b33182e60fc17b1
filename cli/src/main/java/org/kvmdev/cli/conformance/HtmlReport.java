package org.kvmdev.cli.conformance;

import java.time.Duration;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.kvmdev.api.Departure;
import org.kvmdev.testkit.conformance.Chapter;
import org.kvmdev.testkit.conformance.Result.Outcome;

/** The report for people: one page with all in it, that needs nothing else to be read. */
public final class HtmlReport {
  private static final Map<Outcome, String> WORDS =
      Map.of(Outcome.PASSED, "passed", Outcome.FAILED, "failed", Outcome.SKIPPED, "skipped");

  /** Names of errors, numbers, fields and functions, which read best in one width. */
  private static final Pattern CODE =
      Pattern.compile(
          "`([^`]+)`|\\b(0x[0-9a-f]+|E[A-Z]{3,}|KVM_[A-Z0-9_]+|[a-z]+(?:_[a-z0-9]+)+|anon_inode:\\w+)\\b");

  private static final String STYLE =
      """
      :root { color-scheme: light dark; --ink: #1d2330; --soft: #5d6676; --line: #dfe3ea;
        --page: #f6f7f9; --card: #ffffff; --pass: #1a7f4b; --fail: #c0312b; --skip: #8a6d1a;
        --failcard: #fdf3f2; --code: #eef0f4; }
      @media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #9aa4b5; --line: #343b48;
        --page: #14171d; --card: #1c2029; --pass: #4cc38a; --fail: #ff7b72; --skip: #d8b04c;
        --failcard: #2a1c1e; --code: #272d38; } }
      * { box-sizing: border-box; }
      body { margin: 0; background: var(--page); color: var(--ink);
        font: 15px/1.5 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
      main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
      h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
      h2 { font-size: 1.25rem; margin: 2.5rem 0 .1rem; }
      h3 { font-size: .82rem; margin: 1.6rem 0 .4rem; color: var(--soft); font-weight: 600;
        text-transform: uppercase; letter-spacing: .06em; }
      p { margin: .3rem 0; }
      .soft { color: var(--soft); }
      .verdict { font-weight: 600; font-size: 1.05rem; margin: .6rem 0; }
      .verdict.passed { color: var(--pass); } .verdict.failed { color: var(--fail); }
      code { font: .88em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
        background: var(--code); border-radius: 4px; padding: .08em .32em; overflow-wrap: anywhere; }
      .bar { display: flex; height: 8px; border-radius: 4px; overflow: hidden; margin: .7rem 0 .4rem;
        background: var(--line); }
      .bar span.passed { background: var(--pass); } .bar span.failed { background: var(--fail); }
      .bar span.skipped { background: var(--skip); opacity: .55; }
      .counts b { font-variant-numeric: tabular-nums; } .counts span { margin-right: 1.1rem; }
      .passed b { color: var(--pass); } .failed b { color: var(--fail); } .skipped b { color: var(--skip); }
      details { background: var(--card); border: 1px solid var(--line); border-bottom-width: 0; }
      details:first-of-type { border-radius: 8px 8px 0 0; }
      details:last-of-type { border-bottom-width: 1px; border-radius: 0 0 8px 8px; }
      details:first-of-type:last-of-type { border-radius: 8px; }
      details.failed { background: var(--failcard); }
      summary { display: flex; gap: .8rem; align-items: baseline; padding: .5rem .9rem; cursor: pointer;
        list-style: none; } summary::-webkit-details-marker { display: none; }
      summary:hover .name { text-decoration: underline; }
      .outcome { flex: 0 0 4.4rem; font-size: .8rem; font-weight: 600; }
      .outcome.passed { color: var(--pass); } .outcome.failed { color: var(--fail); }
      .outcome.skipped { color: var(--skip); }
      .id { flex: 0 0 2.2rem; color: var(--soft); font-variant-numeric: tabular-nums; }
      .name { flex: 1; overflow-wrap: anywhere; } .time { color: var(--soft); font-size: .85rem; }
      .body { margin: 0; padding: 0 .9rem .9rem 8.6rem; }
      .body dt { color: var(--soft); font-size: .82rem; margin-top: .55rem; } .body dd { margin: .05rem 0 0; }
      .body ul { margin: .1rem 0; padding-left: 1.1rem; } .failed .found { font-weight: 500; }
      .fault { background: var(--failcard); border: 1px solid var(--fail); border-radius: 8px;
        padding: .6rem .9rem; margin: .6rem 0; }
      footer { margin-top: 3rem; color: var(--soft); font-size: .85rem; }
      @media (max-width: 40rem) { .body { padding-left: .9rem; } .time { display: none; } }
      @media print { body { background: none; } details { break-inside: avoid; } }
      """;

  private final StringBuilder html = new StringBuilder();
  private final Setup setup;

  private HtmlReport(Setup setup) {
    this.setup = setup;
  }

  /**
   * Writes it.
   *
   * @param reports what came of each plug-in
   * @param setup what they were checked with
   * @param version which kvmdev checked them
   * @param when when
   * @return the page
   */
  public static String of(List<Report> reports, Setup setup, String version, LocalDateTime when) {
    return new HtmlReport(setup).page(reports, version, when);
  }

  private String page(List<Report> reports, String version, LocalDateTime when) {
    String names =
        String.join(
            ", ",
            reports.stream().map(each -> String.valueOf(each.place().getFileName())).toList());
    html.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.append("<title>Conformance of ").append(Markup.text(names)).append("</title>\n");
    html.append("<style>\n").append(STYLE).append("</style>\n</head>\n<body>\n<main>\n");
    html.append("<h1>Conformance of ").append(Markup.text(names)).append("</h1>\n");
    html.append("<p class=\"soft\">Each device type is held to the rules that KVM's own devices")
        .append(" keep: what the kernel's device-control API does, errno for errno.</p>\n");
    verdict(reports);
    for (Report report : reports) {
      for (String fault : report.faults()) {
        html.append("<p class=\"fault\">").append(marked(fault)).append("</p>\n");
      }
      report.types().forEach(type -> type(report, type));
    }
    html.append("<footer>Made by ").append(Markup.text(version)).append(" at ");
    html.append(when.format(DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm")));
    html.append(" on Java ").append(Runtime.version().feature());
    return html.append(".</footer>\n</main>\n</body>\n</html>\n").toString();
  }

  private void verdict(List<Report> reports) {
    boolean passes = reports.stream().allMatch(Report::passes);
    long failed = reports.stream().mapToLong(each -> each.count(Outcome.FAILED)).sum();
    html.append("<p class=\"verdict ").append(passes ? "passed" : "failed").append("\">");
    if (passes) {
      html.append("Conforms: no rule failed.");
    } else if (failed > 0) {
      html.append("Does not conform: ").append(failed);
      html.append(failed == 1 ? " rule failed." : " rules failed.");
    } else {
      html.append("Could not be checked.");
    }
    html.append("</p>\n");
  }

  private void type(Report report, Report.Type type) {
    html.append("<h2>").append(Markup.text(type.name())).append("</h2>\n");
    html.append("<p>").append(marked(type.summary())).append("</p>\n");
    html.append("<p class=\"soft\">Type <code>").append(Markup.text(type.number()));
    html.append("</code> of ").append(Markup.text(type.jar())).append(", on the host <code>");
    html.append(Markup.text(type.host())).append("</code>.</p>\n<div class=\"bar\">");
    for (Outcome outcome : List.of(Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED)) {
      html.append(
          "<span class=\"%s\" style=\"flex: %d\"></span>"
              .formatted(WORDS.get(outcome), type.count(outcome)));
    }
    html.append("</div>\n<p class=\"counts\">");
    for (Outcome outcome : List.of(Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED)) {
      html.append(
          "<span class=\"%s\"><b>%d</b> %s</span>"
              .formatted(WORDS.get(outcome), type.count(outcome), WORDS.get(outcome)));
    }
    html.append("<span class=\"soft\">").append(seconds(type.time())).append("</span></p>\n");
    for (Chapter chapter : Chapter.values()) {
      List<Report.Check> checks =
          type.checks().stream().filter(each -> each.rule().chapter() == chapter).toList();
      if (!checks.isEmpty()) {
        html.append("<h3>").append(Markup.text(chapter.title())).append("</h3>\n<div>\n");
        checks.forEach(each -> check(report, each));
        html.append("</div>\n");
      }
    }
    if (!type.documented().isEmpty()) {
      html.append("<h3>Departures from the type's own document</h3>\n<ul>\n");
      type.documented().forEach(this::departure);
      html.append("</ul>\n");
    }
  }

  private void check(Report report, Report.Check check) {
    String outcome = WORDS.get(check.outcome());
    boolean failed = check.outcome() == Outcome.FAILED;
    html.append("<details class=\"").append(outcome).append(failed ? "\" open>" : "\">");
    html.append("<summary><span class=\"outcome ").append(outcome).append("\">").append(outcome);
    html.append("</span><span class=\"id\">").append(check.rule().id());
    html.append("</span><span class=\"name\">").append(Markup.text(check.rule().name()));
    html.append(line(check)).append("</span><span class=\"time\">").append(seconds(check.time()));
    html.append("</span></summary>\n<dl class=\"body\">\n");
    if (!check.details().isEmpty()) {
      html.append("<dt>").append(title(check.outcome())).append("</dt>");
      html.append("<dd class=\"found\">").append(list(check.details())).append("</dd>\n");
    }
    html.append("<dt>What the rule demands</dt><dd>").append(marked(check.rule().says()));
    html.append("</dd>\n<dt>Why</dt><dd>").append(marked(check.rule().reason())).append("</dd>\n");
    if (!check.departures().isEmpty()) {
      html.append("<dt>Departs as declared</dt><dd><ul>\n");
      check.departures().forEach(this::departure);
      html.append("</ul></dd>\n");
    }
    if (failed) {
      html.append("<dt>To repeat it</dt><dd><code>");
      html.append(Markup.text(setup.again(check.rule()) + " " + report.place()));
      html.append("</code></dd>\n");
    }
    html.append("</dl></details>\n");
  }

  /** What is seen of a rule that is not opened. */
  private static String line(Report.Check check) {
    String text =
        check.outcome() == Outcome.SKIPPED
            ? String.join("; ", check.details())
            : check.departures().isEmpty() ? "" : "departs as declared";
    return text.isEmpty() ? "" : " <span class=\"soft\">" + marked(text) + "</span>";
  }

  private static String title(Outcome outcome) {
    return switch (outcome) {
      case FAILED -> "What was found";
      case SKIPPED -> "Why it was not asked";
      case PASSED -> "Remark";
    };
  }

  private static String list(List<String> details) {
    if (details.size() == 1) {
      return marked(details.getFirst());
    }
    List<String> items = new ArrayList<>();
    details.forEach(each -> items.add("<li>" + marked(each) + "</li>"));
    return "<ul>" + String.join("", items) + "</ul>";
  }

  private void departure(Departure departure) {
    html.append("<li>").append(marked(departure.what()));
    html.append(" <span class=\"soft\">[").append(Markup.text(departure.source()));
    html.append("]</span></li>\n");
  }

  /** A text with its code set as code. */
  private static String marked(String text) {
    return CODE.matcher(Markup.text(text).replace("&quot;", "\""))
        .replaceAll(
            match -> {
              String code = match.group(1) == null ? match.group(2) : match.group(1);
              return "<code>" + java.util.regex.Matcher.quoteReplacement(code) + "</code>";
            });
  }

  private static String seconds(Duration time) {
    return String.format(Locale.ROOT, "%.2f s", time.toNanos() / 1e9);
  }
}
