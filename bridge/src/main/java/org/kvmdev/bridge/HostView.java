package org.kvmdev.bridge;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Host;

/**
 * What a program finds of its host beside /dev/kvm: the size of a page, and files like
 * /proc/device-tree/cpus/…/clock-frequency.
 *
 * @param page the size of a page in bytes, which qemu-user tells a program; a native one sees the
 *     machine's
 * @param files a folder with those files, by their whole path; the library finds them there. Null
 *     where all are the machine's own
 */
public record HostView(int page, @Nullable Path files) {
  /** Names the folder to the library. */
  public static final String FILES_VARIABLE = "KVMDEV_FILES";

  /** This machine as it is. */
  public static final HostView MACHINE = new HostView(0, null);

  private static final String BYTES = "file.";
  private static final String TEXT = "text.";

  /**
   * A host's page and files.
   *
   * @param host the host
   * @param folder where its files are written
   * @return what a program finds
   * @throws IOException where they cannot be written
   */
  public static HostView of(Host host, Path folder) throws IOException {
    boolean any = false;
    for (String key : host.keys()) {
      byte[] content;
      String path;
      if (key.startsWith(BYTES)) {
        path = key.substring(BYTES.length());
        content = HexFormat.of().parseHex(host.text(key));
      } else if (key.startsWith(TEXT)) {
        path = key.substring(TEXT.length());
        content = host.text(key).getBytes(StandardCharsets.UTF_8);
      } else {
        continue;
      }
      Path file = folder.resolve(path.replaceFirst("^/+", "")).normalize();
      if (!file.startsWith(folder)) {
        throw new IOException("host " + host.name() + ": " + key + " is no absolute path");
      }
      Files.createDirectories(file.getParent());
      Files.write(file, content);
      any = true;
    }
    return new HostView((int) host.number("page.size", 0), any ? folder : null);
  }
}
