package org.kvmdev.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.cli.plugin.BadLamps;
import org.kvmdev.cli.plugin.Jars;
import org.kvmdev.cli.plugin.Lamp;
import org.kvmdev.testkit.conformance.Conformance;
import org.w3c.dom.Document;

/** {@code kvmdev test} on jars that are right, wrong, and worse. */
class TestCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir private Path folder;

  private int run(String... arguments) {
    return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), arguments);
  }

  private String jar(Class<? extends DeviceProvider> provider) throws IOException {
    return Jars.jar(folder.resolve("lamp.jar"), provider).toString();
  }

  private void answers(String text) {
    assertTrue(out.toString().contains(text), () -> text + " is not in: " + out + err);
  }

  private void complains(String text) {
    assertTrue(err.toString().contains(text), () -> text + " is not in: " + err + out);
  }

  @Test
  void aJarThatConformsPassesEveryRule() throws Exception {
    String jar = jar(Lamp.class);
    Path html = folder.resolve("report.html");
    Path xml = folder.resolve("report.xml");
    assertEquals(
        0, run("test", jar, "--html", html.toString(), "--junit-xml", xml.toString()), this::all);
    answers("KVM_DEV_TYPE_LAMP (0x40000077) on testkit-little, from lamp.jar\n");
    answers("  passed   A05 has_never_touches_addr\n");
    answers("  skipped  D02 listings_agree: there is no module-info");
    int rules = Conformance.rules().size();
    answers("KVM_DEV_TYPE_LAMP: " + rules + " rules, ");
    answers(" 0 failed, ");

    Document document =
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(xml.toFile());
    assertEquals(rules, document.getElementsByTagName("testcase").getLength());
    assertEquals(0, document.getElementsByTagName("failure").getLength());
    String page = Files.readString(html);
    assertTrue(page.contains("Conforms: no rule failed."), page);
  }

  private String all() {
    return out + "\n" + err;
  }

  @Test
  void aMistakeIsToldWithTheRuleItsReasonAndHowToRepeatIt() throws Exception {
    String jar = jar(BadLamps.Refusing.class);
    Path html = folder.resolve("report.html");
    Path xml = folder.resolve("report.xml");
    assertEquals(
        1,
        run(
            "test",
            "--rule",
            "access_is_as_declared",
            "--seed",
            "0x2a",
            "--html",
            html.toString(),
            "--junit-xml",
            xml.toString(),
            jar));
    answers("  FAILED   A06 access_is_as_declared\n");
    answers(
        "GET of LAMP/BRIGHTNESS answers as an unknown attribute, but it is declared to be read");
    answers("the rule: An attribute that is read can be read");
    answers("again: kvmdev test --rule A06 --seed 0x2a " + jar);
    answers("KVM_DEV_TYPE_LAMP: 1 rules, 0 passed, 1 failed, 0 skipped");
    complains("a lamp prints");

    Document document =
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(xml.toFile());
    assertEquals(1, document.getElementsByTagName("failure").getLength());
    String page = Files.readString(html);
    assertTrue(page.contains("Does not conform: 1 rule failed."), page);
    assertTrue(page.contains("<details class=\"failed\" open>"), page);
  }

  @Test
  void programsReadTheSame() throws Exception {
    assertEquals(0, run("test", "--json", "--rule", "A01", jar(Lamp.class)), this::all);
    answers("\"passes\" : true");
    answers("\"name\" : \"unknown_group_is_refused\"");
    assertFalse(out.toString().contains("passed   A01"), this::all);
  }

  @Test
  void aFolderOfJarsIsAPluginToo() throws Exception {
    Path plugin = Files.createDirectory(folder.resolve("lamp"));
    Jars.jar(plugin.resolve("lamp.jar"), Lamp.class);
    assertEquals(0, run("test", "--rule", "C01", plugin.toString()), this::all);
    answers("passed   C01 is_created");
    assertEquals(0, run("--plugins", folder.toString(), "test", "--rule", "A01"), this::all);
    answers("passed   A01 unknown_group_is_refused");
  }

  @Test
  void severalJarsAreCheckedEach() throws Exception {
    Path wrong = Files.writeString(folder.resolve("wrong.jar"), "no zip");
    assertEquals(1, run("test", "--rule", "C01", wrong.toString(), jar(Lamp.class)), this::all);
    complains("wrong.jar: it cannot be read as a jar");
    answers("passed   C01 is_created");
  }

  @Test
  void aJarWithoutAProviderSaysSo() throws Exception {
    Path empty = folder.resolve("empty.jar");
    try (var jar = new java.util.jar.JarOutputStream(Files.newOutputStream(empty))) {
      jar.putNextEntry(new java.util.jar.JarEntry("nothing"));
    }
    assertEquals(1, run("test", empty.toString()));
    complains("empty.jar: it has no org.kvmdev.api.DeviceProvider");
  }

  @Test
  void aDeviceThatHangsFailsThatRuleAndTheRestGoesOn() throws Exception {
    String jar = jar(BadLamps.Counting.class);
    assertEquals(
        1, run("test", "--rule-timeout", "3", "--rule", "A11", "--rule", "A01", jar), this::all);
    answers("passed   A01");
    answers("FAILED   A11");
    answers("hangs: after 3000 ms it is at org.kvmdev.cli.plugin.BadLamps$Counting");
  }

  @Test
  void aDeviceThatHangsInCreationIsAskedOnce() throws Exception {
    assertEquals(1, run("test", "--rule-timeout", "2", jar(BadLamps.Sleeping.class)), this::all);
    answers("FAILED   C01 is_created");
    answers("skipped  A01 unknown_group_is_refused: no device can be made, see C01 is_created");
    answers("BadLamps$Sleeping");
    answers(": " + Conformance.rules().size() + " rules, ");
  }

  @Test
  void aJarThatHangsWhileItIsLoadedIsNamed() throws Exception {
    assertEquals(1, run("test", "--rule-timeout", "1", jar(BadLamps.Loading.class)));
    complains("is not there after 1 s: it is at ");
    complains("BadLamps$Sleeping.wait(BadLamps.java:");
  }

  @Test
  void aDeviceThatEndsTheProcessFailsThatRuleAndTheRestGoesOn() throws Exception {
    String jar = jar(BadLamps.Halting.class);
    assertEquals(1, run("test", "--rule", "A11", "--rule", "A01", "--rule", "L01", jar));
    answers("passed   A01");
    answers("FAILED   A11");
    answers("ended the JVM with exit code 3: it calls System.exit or Runtime.halt");
    answers("passed   L01");
  }

  @Test
  void aJarThatEndsTheProcessWhileItIsLoadedIsNamed() throws Exception {
    assertEquals(1, run("test", jar(BadLamps.Exiting.class)));
    complains("lamp.jar: loading it ended the JVM with exit code 5");
  }

  @Test
  void aDeviceThatCrashesTheJvmFailsThatRule() throws Exception {
    assertEquals(1, run("test", "--rule", "D03", "--rule", "C01", jar(BadLamps.Crashing.class)));
    answers("passed   D03");
    answers("FAILED   C01");
    answers("crashed the JVM: SIGSEGV");
    String log = out.toString().replaceAll("(?s).*more in (\\S+\\.log).*", "$1");
    assertTrue(Files.deleteIfExists(Path.of(log)), log);
  }

  @Test
  void theWholeHasATimeLimit() throws Exception {
    assertEquals(1, run("test", "--timeout", "1", jar(BadLamps.Counting.class)), this::all);
    complains("the time limit of 1 s (--timeout) was reached");
  }

  @Test
  void aWrongCommandLineSaysWhatIsRight() throws Exception {
    String jar = jar(Lamp.class);
    assertEquals(2, run("test"));
    complains("name a jar: kvmdev test my-device.jar");
    assertEquals(2, run("test", "/there/is/none.jar"));
    complains("/there/is/none.jar does not exist");
    assertEquals(2, run("test", "--rule", "A99", jar));
    complains("there is no rule A99; there are: D01 provider_is_found_exactly_once");
    assertEquals(2, run("test", "--set", "1/x=0", jar));
    complains("give it as NAME=VALUE or GROUP/ATTR=VALUE");
    assertEquals(2, run("test", "--limit", "A01", jar));
    complains("RULE=REASON");
    assertEquals(2, run("test", "--html", folder.resolve("no/report.html").toString(), jar));
    complains("there is no folder");
    assertEquals(List.of(), out.toString().lines().toList());
  }

  @Test
  void aDeviceIsBroughtUpAndALimitDeclared() throws Exception {
    String jar = jar(Lamp.class);
    assertEquals(
        0,
        run(
            "test",
            "--set",
            "BRIGHTNESS=0x10",
            "--set",
            "1/0=7",
            "--rule",
            "C01",
            "--rule",
            "A01",
            "--limit",
            "A01=a trial of limits",
            jar),
        this::all);
    answers("skipped  A01 unknown_group_is_refused: declared as a limit: a trial of limits");
    assertEquals(1, run("test", "--set", "COLOUR=1", "--rule", "C01", jar));
    complains("none of its device types has the attribute of --set COLOUR=1");
  }
}
