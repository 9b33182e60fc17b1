package org.kvmdev.bridge;

import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Host;

/** A kind of machine that programs are built for, with the names that Debian gives its tools. */
public enum Target {
  /** 64-bit ARM. */
  ARM64("arm64", 183, 64, ByteOrder.LITTLE_ENDIAN, "aarch64", "aarch64", "arm64"),
  /** 64-bit POWER, little-endian. */
  PPC64("ppc64", 21, 64, ByteOrder.LITTLE_ENDIAN, "powerpc64le", "ppc64le", "ppc64el"),
  /** 32-bit PowerPC. */
  POWERPC("powerpc", 20, 32, ByteOrder.BIG_ENDIAN, "powerpc", "ppc", "powerpc"),
  /** 64-bit x86. */
  X86_64("x86_64", 62, 64, ByteOrder.LITTLE_ENDIAN, "x86_64", "x86_64", "amd64");

  private final String architecture;
  final int elfMachine;
  final int wordBits;
  final ByteOrder order;
  private final String gnu;
  private final String qemu;
  private final String debian;

  Target(
      String architecture,
      int elfMachine,
      int wordBits,
      ByteOrder order,
      String gnu,
      String qemu,
      String debian) {
    this.architecture = architecture;
    this.elfMachine = elfMachine;
    this.wordBits = wordBits;
    this.order = order;
    this.gnu = gnu;
    this.qemu = qemu;
    this.debian = debian;
  }

  /**
   * The architecture, as hosts have it.
   *
   * @return {@code arm64}
   */
  public String architecture() {
    return architecture;
  }

  /**
   * Whether this machine runs such programs itself.
   *
   * @return false where qemu-user has to
   */
  public boolean isNative() {
    String machine = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    return switch (this) {
      case X86_64 -> machine.equals("amd64") || machine.equals("x86_64");
      case ARM64 -> machine.equals("aarch64");
      case PPC64 -> machine.equals("ppc64le");
      case POWERPC -> machine.equals("ppc");
    };
  }

  /**
   * Whether such programs number requests as a host does, so that they can be served on it.
   *
   * @param host the host
   * @return false where they would have to be built for the host's architecture
   */
  public boolean fits(Host host) {
    String encoding = this == PPC64 || this == POWERPC ? "wide" : "generic";
    return host.text("ioctl.encoding", "generic").equals(encoding);
  }

  /** The C compiler's name. */
  String compiler() {
    return gnu + "-linux-gnu-gcc";
  }

  /** What has to be installed for {@link #compiler}. */
  String compilerPackage() {
    return isNative() ? "gcc libc6-dev" : "gcc-" + gnu.replace('_', '-') + "-linux-gnu";
  }

  /** What runs a program of this kind on another machine. */
  String emulator() {
    return "qemu-" + qemu;
  }

  /** Where Debian has the libraries of programs of this kind, on another machine. */
  Path libraries() {
    return Path.of("/usr/" + gnu + "-linux-gnu");
  }

  /** What has to be installed for {@link #libraries}. */
  String librariesPackage() {
    return "libc6-" + debian + "-cross";
  }

  /** An executable file of the search path; null where there is none. */
  static @Nullable Path find(String command) {
    String path = System.getenv("PATH");
    for (String folder : (path == null ? "/usr/bin:/bin" : path).split(":")) {
      Path file = Path.of(folder.isEmpty() ? "." : folder, command);
      if (Files.isExecutable(file) && !Files.isDirectory(file)) {
        return file;
      }
    }
    return null;
  }
}
