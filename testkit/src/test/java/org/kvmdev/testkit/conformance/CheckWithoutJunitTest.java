package org.kvmdev.testkit.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.testkit.example.CheckWithoutJunit;

/** The rules as plain Java, as docs/conformance.md shows them. */
class CheckWithoutJunitTest {
  @TempDir private Path folder;

  private static String printed(DeviceProvider provider, boolean conforms) {
    PrintStream before = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      assertEquals(conforms, CheckWithoutJunit.conforms(provider), bytes::toString);
    } finally {
      System.setOut(before);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void a_provider_that_conforms_and_one_that_does_not() throws Exception {
    ProviderJar listed =
        new ProviderJar(folder).listInServices(ProviderJar.PROVIDER).listInDescriptor(true);
    String good = printed(listed.load(), true);
    assertTrue(good.contains("passed  KVM_DEV_TYPE_OF_A_JAR D01 provider_is_found_exactly_once"));
    String bad = printed(listed.listInDescriptor(false).load(), false);
    assertTrue(bad.contains("failed  KVM_DEV_TYPE_OF_A_JAR D02 listings_agree: META-INF"), bad);
  }
}
