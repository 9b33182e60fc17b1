package org.kvmdev.testkit.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.attribute.ModuleAttribute;
import java.lang.constant.ClassDesc;
import java.lang.constant.ModuleDesc;
import java.lang.reflect.AccessFlag;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.security.ProtectionDomain;
import java.security.cert.Certificate;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.testkit.conformance.Result.Outcome;

/** The rules about how a jar is found, on jars that are right and wrong. */
class DiscoveryRulesTest {
  private static final String SERVICES = "META-INF/services/" + DeviceProvider.class.getName();
  private static final String PROVIDER = JarProvider.class.getName();
  private static final String FOUND = "provider_is_found_exactly_once";
  private static final String AGREE = "listings_agree";

  @TempDir private Path jar;

  @BeforeEach
  void isListedTwice() throws IOException {
    listInServices(PROVIDER);
    listInDescriptor(true);
  }

  private void listInServices(String... names) throws IOException {
    Path file = jar.resolve(SERVICES);
    Files.createDirectories(file.getParent());
    Files.write(file, List.of(names));
  }

  private void listInDescriptor(boolean listed) throws IOException {
    ModuleAttribute descriptor =
        ModuleAttribute.of(
            ModuleDesc.of("jar"),
            module -> {
              module.requires(ModuleDesc.of("java.base"), List.of(AccessFlag.MANDATED), null);
              module.requires(ModuleDesc.of("org.kvmdev.api"), List.of(), null);
              if (listed) {
                module.provides(
                    ClassDesc.of(DeviceProvider.class.getName()), ClassDesc.of(PROVIDER));
              }
            });
    Files.write(jar.resolve("module-info.class"), ClassFile.of().buildModule(descriptor));
  }

  private Result check(String rule) throws Exception {
    DeviceProvider provider =
        (DeviceProvider)
            new JarLoader(jar).loadClass(PROVIDER).getDeclaredConstructor().newInstance();
    Subject subject = Subject.of(provider, provider.types().getFirst(), Options.DEFAULT);
    return Conformance.check(subject, Conformance.rule(rule));
  }

  @Test
  void a_jar_with_both_listings_passes() throws Exception {
    assertEquals("", check(FOUND).reason());
    assertEquals(Outcome.PASSED, check(FOUND).outcome());
    assertEquals("", check(AGREE).reason());
    assertEquals(Outcome.PASSED, check(AGREE).outcome());
  }

  @Test
  void a_provider_that_nothing_lists_is_not_found() throws Exception {
    listInServices();
    Result result = check(FOUND);
    assertEquals(Outcome.FAILED, result.outcome());
    assertTrue(result.reason().contains("0 times"), result.reason());
  }

  @Test
  void a_provider_that_the_services_alone_list_is_half_listed() throws Exception {
    listInDescriptor(false);
    assertEquals(Outcome.PASSED, check(FOUND).outcome());
    Result result = check(AGREE);
    assertEquals(Outcome.FAILED, result.outcome());
    assertTrue(result.reason().contains("module-info []"), result.reason());
  }

  @Test
  void a_provider_that_the_descriptor_alone_lists_is_half_listed() throws Exception {
    listInServices("# nobody");
    Result result = check(AGREE);
    assertEquals(Outcome.FAILED, result.outcome());
    assertTrue(result.reason().contains("META-INF/services names []"), result.reason());
  }

  @Test
  void a_jar_for_the_class_path_alone_has_nothing_to_agree() throws Exception {
    Files.delete(jar.resolve("module-info.class"));
    assertEquals(Outcome.SKIPPED, check(AGREE).outcome());
  }

  /** Loads the provider as if it were in a jar, and all else as usual. */
  private static final class JarLoader extends ClassLoader {
    private final Path jar;

    JarLoader(Path jar) {
      super(JarLoader.class.getClassLoader());
      this.jar = jar;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!name.startsWith(PROVIDER)) {
        return super.loadClass(name, resolve);
      }
      Class<?> known = findLoadedClass(name);
      return known == null ? define(name) : known;
    }

    private Class<?> define(String name) throws ClassNotFoundException {
      String file = name.substring(name.lastIndexOf('.') + 1) + ".class";
      try (InputStream in = JarProvider.class.getResourceAsStream(file)) {
        if (in == null) {
          throw new ClassNotFoundException(name);
        }
        byte[] bytes = in.readAllBytes();
        CodeSource source = new CodeSource(jar.toUri().toURL(), (Certificate[]) null);
        return defineClass(name, bytes, 0, bytes.length, new ProtectionDomain(source, null));
      } catch (IOException e) {
        throw new ClassNotFoundException(name, e);
      }
    }

    @Override
    public Enumeration<URL> getResources(String name) throws IOException {
      return name.equals(SERVICES)
          ? Collections.enumeration(List.of(jar.resolve(name).toUri().toURL()))
          : super.getResources(name);
    }
  }
}
