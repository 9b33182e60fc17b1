package org.kvmdev.testkit.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.testkit.conformance.Result.Outcome;

/** The rules about how a jar is found, on jars that are right and wrong. */
class DiscoveryRulesTest {
  private static final String FOUND = "provider_is_found_exactly_once";
  private static final String AGREE = "listings_agree";

  @TempDir private Path jar;

  private ProviderJar listed() throws IOException {
    return new ProviderJar(jar).listInServices(ProviderJar.PROVIDER).listInDescriptor(true);
  }

  private static Result check(ProviderJar listed, String rule) throws Exception {
    DeviceProvider provider = listed.load();
    Subject subject = Subject.of(provider, provider.types().getFirst(), Options.DEFAULT);
    return Conformance.check(subject, Conformance.rule(rule));
  }

  @Test
  void a_jar_with_both_listings_passes() throws Exception {
    assertEquals("", check(listed(), FOUND).reason());
    assertEquals(Outcome.PASSED, check(listed(), FOUND).outcome());
    assertEquals("", check(listed(), AGREE).reason());
    assertEquals(Outcome.PASSED, check(listed(), AGREE).outcome());
  }

  @Test
  void a_provider_that_nothing_lists_is_not_found() throws Exception {
    Result result = check(listed().listInServices(), FOUND);
    assertEquals(Outcome.FAILED, result.outcome());
    assertTrue(result.reason().contains("0 times"), result.reason());
  }

  @Test
  void a_provider_that_the_services_alone_list_is_half_listed() throws Exception {
    ProviderJar half = listed().listInDescriptor(false);
    assertEquals(Outcome.PASSED, check(half, FOUND).outcome());
    Result result = check(half, AGREE);
    assertEquals(Outcome.FAILED, result.outcome());
    assertTrue(result.reason().contains("module-info []"), result.reason());
  }

  @Test
  void a_provider_that_the_descriptor_alone_lists_is_half_listed() throws Exception {
    Result result = check(listed().listInServices("# nobody"), AGREE);
    assertEquals(Outcome.FAILED, result.outcome());
    assertTrue(result.reason().contains("META-INF/services names []"), result.reason());
  }

  @Test
  void a_jar_for_the_class_path_alone_has_nothing_to_agree() throws Exception {
    ProviderJar plain = listed();
    Files.delete(jar.resolve("module-info.class"));
    assertEquals(Outcome.SKIPPED, check(plain, AGREE).outcome());
  }
}
