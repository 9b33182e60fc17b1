package org.kvmdev.bridge;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.kvmdev.runtime.ioctl.FileKind;
import org.kvmdev.runtime.ioctl.RequestNumbers;

/** What requests are called, those of architectures and families too: {@code requests.txt}. */
final class RequestNames {
  private static final Map<String, String> NAMES = read();

  private RequestNames() {}

  private static Map<String, String> read() {
    try (InputStream in = RequestNames.class.getResourceAsStream("requests.txt")) {
      if (in == null) {
        throw new IllegalStateException("requests.txt is not in the jar");
      }
      Map<String, String> names = new HashMap<>();
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      for (String line : text.lines().filter(each -> !each.startsWith("#")).toList()) {
        int at = line.lastIndexOf(' ');
        names.put(line.substring(0, at), line.substring(at + 1));
      }
      return names;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A request's name.
   *
   * @param numbers the numbers of its host's requests
   * @param kind the kind of file that it is made on
   * @param request the encoded number
   * @return its name; the number in hexadecimal where it has none
   */
  static String of(RequestNumbers numbers, FileKind kind, int request) {
    String on =
        switch (kind) {
          case SYSTEM -> "kvm";
          case VM -> "vm";
          case VCPU -> "vcpu";
          case DEVICE, OTHER -> "";
        };
    String direction =
        switch (numbers.direction(request)) {
          case NONE -> "none";
          case WRITE -> "write";
          case READ -> "read";
          case READ_WRITE -> "both";
        };
    boolean isKvms = (request >>> 8 & 0xff) == 0xae;
    String key = String.format(Locale.ROOT, "%s %02x %s", on, request & 0xff, direction);
    String name = isKvms ? NAMES.get(key) : null;
    return name == null ? numbers.name(kind, request) : name;
  }
}
