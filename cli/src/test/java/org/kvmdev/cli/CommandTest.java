package org.kvmdev.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kvmdev.testkit.Recordings;

/** The command as its users type it. */
class CommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), arguments);
  }

  private void answers(String text) {
    assertTrue(out.toString().contains(text), () -> text + " is not in: " + out);
  }

  private void complains(String text) {
    assertTrue(err.toString().contains(text), () -> text + " is not in: " + err);
  }

  private static byte[] recording(String path) throws IOException {
    return Recordings.matching(path).get(0).open().readAllBytes();
  }

  @Test
  void withoutACommandItTeaches() {
    assertEquals(0, run());
    answers("kvmdev describe KVM_DEV_TYPE_FSL_MPIC_42");
  }

  @Test
  void listNamesEveryFamilysTypes() {
    assertEquals(0, run("list"));
    answers("KVM_DEV_TYPE_FSL_MPIC_42");
    answers("powerpc-e500v2-6.12");
    answers("KVM_DEV_TYPE_XICS");
  }

  @Test
  void answersCanBeReadByPrograms() {
    assertEquals(0, run("list", "--json"));
    answers("\"name\" : \"KVM_DEV_TYPE_FSL_MPIC_20\"");
    assertEquals(0, run("--json", "hosts"));
    answers("\"vm.types\" : \"0 2\"");
    assertEquals(0, run("hosts", "ppc64-xics-6.1"));
    assertEquals(2, run("hosts", "ppc64-xive-6.1"));
    complains("there is no host ppc64-xive-6.1; there is: ");
    assertEquals(0, run("describe", "--json", "1"));
    answers("\"name\" : \"SVR\"");
    assertEquals(0, run("replay", "--json", "mpic/20-connect"));
    answers("\"status\" : \"equal\"");
  }

  @Test
  void describeShowsRegistersWithOffsetWidthAccessResetAndSentence() {
    assertEquals(0, run("describe", "FSL_MPIC_42"));
    answers("KVM_DEV_MPIC_GRP_IRQ_ACTIVE");
    assertTrue(
        out.toString()
            .lines()
            .anyMatch(line -> line.matches(" *0x10e0 +SVR +4 +rw +0xffff +\\S.*")),
        out::toString);
  }

  @Test
  void describeShowsTheWholeRegisterMapOfAGic() {
    assertEquals(0, run("describe", "KVM_DEV_TYPE_ARM_VGIC_V3"));
    describes(" *0x6000-0x7ff8 \\+0x8 +GICD_IROUTER +8 +rw .*");
    describes(" *0x78 +GICR_PENDBASER +8 +rw .*");
    describes(" *0xc230 S3_0_C4_C6_0 +ICC_PMR_EL1 +8 +rw +0x0 .*");
    describes(" *0xc644-0xc647 \\+0x1 S3_0_C12_C8_4 +ICC_AP0R_EL1 +8 +rw .*");
    describes(" *0xc660 S3_0_C12_C12_0 +ICC_IAR1_EL1 +8 +r- .*");
    assertEquals(0, run("describe", "--json", "KVM_DEV_TYPE_ARM_VGIC_V3"));
    answers("\"place\" : \"S3_0_C12_C12_4\"");

    assertEquals(0, run("describe", "KVM_DEV_TYPE_ARM_VGIC_V2"));
    describes(" *0xf00 +GICD_SGIR +4 +-w .*");
    describes(" *0xd0-0xdc \\+0x4 +GICC_APR +4 +rw .*");
    assertEquals(0, run("describe", "KVM_DEV_TYPE_ARM_VGIC_ITS"));
    describes(" *0x100-0x138 \\+0x8 +GITS_BASER +8 +rw .*");
    describes(" *0x90 +GITS_CREADR +8 +rw .*");
  }

  private void describes(String line) {
    assertTrue(out.toString().lines().anyMatch(each -> each.matches(line)), out::toString);
  }

  @Test
  void aWrongNameSaysWhatThereIs() {
    assertEquals(2, run("describe", "KVM_DEV_TYPE_PIC"));
    complains("2 KVM_DEV_TYPE_FSL_MPIC_42");
    assertEquals(2, run("describe", "mpic"));
    complains("there is no device type mpic");
    assertEquals(2, run("lists"));
    complains("kvmdev list");
    assertEquals(2, run("replay", "mpik"));
    complains("the bundled families are: arm64, mpic");
    assertEquals(2, run("--plugins", "/there/is/none", "list"));
    complains("/there/is/none does not exist");
  }

  @Test
  void replayCountsByFamily() {
    assertEquals(0, run("replay", "mpic/20-connect", "xics/connect"));
    answers("mpic/20-connect.kvmtrace.jsonl: 67 calls, 67 equal");
    assertTrue(
        out.toString().lines().anyMatch(line -> line.matches("all +2 +2 +0 +\\d+ +\\d+ +0")),
        out::toString);
  }

  @Test
  void aRecordingOfAnUnknownHostIsToldApart() {
    assertEquals(0, run("replay", "xive/"));
    answers("no host ppc64-xive-6.1");
  }

  @Test
  void aDifferenceIsToldWithPlaceCallAndReason(@TempDir Path folder) throws IOException {
    String text = new String(recording("mpic/20-connect"));
    String corrupted = text.replaceFirst("\"out\":\"004f0202\"", "\"out\":\"004f0203\"");
    Path file = folder.resolve("connect.kvmtrace.jsonl");
    Files.writeString(file, corrupted);
    assertEquals(1, run("replay", file.toString()));
    answers("connect.kvmtrace.jsonl:27: KVM_GET_DEVICE_ATTR");
    answers("KVM_DEV_MPIC_GRP_REGISTER");
    answers("FRR");
    answers("004f0203");
  }

  @Test
  void aBrokenLineIsToldAndTheRestGoesOn(@TempDir Path folder) throws IOException {
    String[] lines = new String(recording("mpic/20-connect")).split("\n");
    lines[30] = lines[30].substring(0, 20);
    Files.writeString(folder.resolve("broken.kvmtrace.jsonl"), String.join("\n", lines) + "\n");
    assertEquals(1, run("replay", folder.toString()));
    answers("broken.kvmtrace.jsonl:31: ");
    answers("67 calls, 66 equal, 1 broken");
  }

  @Test
  void aFileThatIsNoRecordingIsNamed(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("readme.kvmtrace.jsonl"), "hello\n");
    assertEquals(1, run("replay", file.toString(), "mpic/20-connect"));
    complains("readme.kvmtrace.jsonl");
    answers("67 calls, 67 equal");
  }

  @Test
  void aFolderWithoutRecordingsIsAWrongInput(@TempDir Path folder) {
    assertEquals(2, run("replay", folder.toString()));
    complains("has no file that ends with .kvmtrace.jsonl");
  }

  @Test
  void aBrokenPluginIsReportedAndTheRestWorks(@TempDir Path plugins) throws IOException {
    Files.writeString(plugins.resolve("bad.jar"), "no zip");
    assertEquals(1, run("--plugins", plugins.toString(), "list"));
    complains("bad.jar");
    answers("KVM_DEV_TYPE_FSL_MPIC_42");
    assertEquals(1, run("--plugins", plugins.resolve("bad.jar").toString(), "list"));
    complains("bad.jar: it cannot be read as a jar");
  }

  @Test
  void onlyJarsOnTheListAreLoaded(@TempDir Path plugins) throws IOException {
    Files.writeString(plugins.resolve("bad.jar"), "no zip");
    Path list = Files.writeString(plugins.resolve("list.txt"), "bad.jar\n");
    assertEquals(2, run("--plugins", plugins.toString(), "--allow", list.toString(), "list"));
    complains("list.txt:1: no line of sha256sum's");
    assertEquals(2, run("--allow", list.toString(), "list"));
    complains("is of use with --plugins PATH only");
    assertEquals(2, run("--plugins", plugins.toString(), "--allow", "/none", "list"));
    complains("--allow /none does not exist");
  }

  @Test
  void theCompletionScriptKnowsTheCommands() {
    assertEquals(0, run("completion"));
    answers("describe");
  }

  @Test
  void whatTheReadmeShowsOfDescribeIsWhatItPrints() throws IOException {
    String readme = Files.readString(Path.of("").toAbsolutePath().getParent().resolve("README.md"));
    String command = "$ ./kvmdev describe FSL_MPIC_42\n";
    int begin = readme.indexOf(command) + command.length();
    assertEquals(0, run("describe", "FSL_MPIC_42"));
    readme
        .substring(begin, readme.indexOf("```", begin))
        .lines()
        .filter(line -> !line.equals("..."))
        .forEach(line -> answers(line + "\n"));
  }
}
