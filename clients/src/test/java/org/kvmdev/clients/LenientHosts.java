package org.kvmdev.clients;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceProvider;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.api.machine.Machine;

/**
 * The recorded arm64 hosts as they were before Linux had a refused first run kill the VM (it came
 * late to 6.1, with "KVM: arm64: Don't eagerly teardown the vgic on init error"). The selftests of
 * 6.1 are from before that too: they take their memory slots away one by one from a VM that is dead
 * now, and fail on the recorded kernel itself.
 */
public final class LenientHosts implements DeviceProvider {
  private static final String FOLDER = "/org/kvmdev/devices/vgic/";
  private static final String TABLES = "arm64-6.1.tables";
  private static final List<String> RECORDED = List.of("arm64-gicv2-6.1", "arm64-gicv3-6.1");
  private static final byte[] CHANGE = "\nrun.refusal.kills=0\n".getBytes(StandardCharsets.UTF_8);

  /** For discovery. */
  public LenientHosts() {}

  /** What such a host is called. */
  static String lenient(String recorded) {
    return recorded + "-lenient";
  }

  @Override
  public List<DeviceType> types() {
    return List.of();
  }

  @Override
  public Set<String> architectures() {
    return Set.of("arm64");
  }

  @Override
  public List<Host> hosts() {
    return RECORDED.stream()
        .map(
            each ->
                Host.read(
                    lenient(each),
                    new SequenceInputStream(
                        file(each + ".properties"), new ByteArrayInputStream(CHANGE)),
                    file(TABLES)))
        .toList();
  }

  private static InputStream file(String name) {
    InputStream file = LenientHosts.class.getResourceAsStream(FOLDER + name);
    if (file == null) {
      throw new IllegalStateException("there is no " + FOLDER + name);
    }
    return file;
  }

  @Override
  public DeviceOps create(DeviceType type, Machine machine) {
    throw new IllegalStateException("there are no types");
  }

  /** A folder of plug-ins with these hosts in a jar. */
  static Path plugins() {
    Path folder = Clients.FOLDER.resolve("plugins");
    String self = "org/kvmdev/clients/LenientHosts.class";
    try {
      Files.createDirectories(folder);
      try (JarOutputStream jar =
          new JarOutputStream(Files.newOutputStream(folder.resolve("lenient-hosts.jar")))) {
        put(jar, self, LenientHosts.class.getResourceAsStream("/" + self));
        for (String host : RECORDED) {
          put(jar, FOLDER.substring(1) + host + ".properties", file(host + ".properties"));
        }
        put(jar, FOLDER.substring(1) + TABLES, file(TABLES));
        put(
            jar,
            "META-INF/services/" + DeviceProvider.class.getName(),
            new ByteArrayInputStream(
                LenientHosts.class.getName().getBytes(StandardCharsets.UTF_8)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return folder;
  }

  private static void put(JarOutputStream jar, String name, InputStream content)
      throws IOException {
    try (content) {
      jar.putNextEntry(new JarEntry(name));
      content.transferTo(jar);
    }
  }
}
