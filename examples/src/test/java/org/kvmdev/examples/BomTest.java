package org.kvmdev.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The BOM has what can be depended on, and the version of the rest. */
class BomTest {
  @Test
  void itNamesEachJarThatIsPublished() throws IOException {
    String bom = Files.readString(Installed.ROOT.resolve("bom/pom.xml"));
    String managed = bom.substring(bom.indexOf("<dependencyManagement>"));
    Set<String> named = new TreeSet<>();
    Matcher each = Pattern.compile("<artifactId>([a-z-]+)</artifactId>").matcher(managed);
    while (each.find()) {
      named.add(each.group(1));
    }
    Set<String> published = new TreeSet<>();
    for (String module : Installed.modules()) {
      published.add(Installed.artifactId(module));
    }
    published.remove("kvmdev-bom");
    published.remove("kvmdev-device-archetype");
    assertEquals(published, named);
    assertTrue(bom.contains("<version>" + Installed.VERSION + "</version>"));
  }
}
