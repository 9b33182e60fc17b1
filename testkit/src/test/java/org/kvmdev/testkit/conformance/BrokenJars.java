package org.kvmdev.testkit.conformance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** Jars that list a correct device wrongly. */
final class BrokenJars {
  private BrokenJars() {}

  /** Makes them in a folder. */
  static List<Broken> all(Path folder) throws IOException, ReflectiveOperationException {
    ProviderJar unlisted =
        new ProviderJar(Files.createDirectory(folder.resolve("unlisted")))
            .listInServices("# nobody")
            .listInDescriptor(false);
    ProviderJar half =
        new ProviderJar(Files.createDirectory(folder.resolve("half")))
            .listInServices(ProviderJar.PROVIDER)
            .listInDescriptor(false);
    return List.of(
        broken("a provider that nothing lists", "provider_is_found_exactly_once", unlisted),
        broken("META-INF/services alone lists the provider", "listings_agree", half));
  }

  private static Broken broken(String mistake, String rule, ProviderJar jar)
      throws ReflectiveOperationException {
    return new Broken(mistake, rule, Set.of(), jar.load(), Options.DEFAULT);
  }
}
