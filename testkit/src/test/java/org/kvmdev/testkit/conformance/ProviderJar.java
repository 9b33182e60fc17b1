package org.kvmdev.testkit.conformance;

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
import org.kvmdev.api.DeviceProvider;

/** A folder that stands for a jar, with a provider that is listed well or badly. */
final class ProviderJar {
  static final String PROVIDER = JarProvider.class.getName();

  private static final String SERVICES = "META-INF/services/" + DeviceProvider.class.getName();

  private final Path jar;

  ProviderJar(Path jar) {
    this.jar = jar;
  }

  ProviderJar listInServices(String... names) throws IOException {
    Path file = jar.resolve(SERVICES);
    Files.createDirectories(file.getParent());
    Files.write(file, List.of(names));
    return this;
  }

  ProviderJar listInDescriptor(boolean listed) throws IOException {
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
    return this;
  }

  /** Loads the provider as if it were in a jar, and all else as usual. */
  DeviceProvider load() throws ReflectiveOperationException {
    return (DeviceProvider)
        new JarLoader(jar).loadClass(PROVIDER).getDeclaredConstructor().newInstance();
  }

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
