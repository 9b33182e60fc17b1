package org.kvmdev.bridge;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * The C library that gives a program its /dev/kvm. It is compiled at the first use, by the C
 * compiler of the program's architecture, and kept; one that was compiled elsewhere is taken from
 * the folder that the environment variable {@value #FOLDER_VARIABLE} names.
 */
public final class ClientLibrary {
  /** Names a folder with {@code ARCHITECTURE/libkvmdev.so}, for machines without a compiler. */
  public static final String FOLDER_VARIABLE = "KVMDEV_LIBRARIES";

  /** Names the server's socket to the library. */
  public static final String SOCKET_VARIABLE = "KVMDEV_SOCKET";

  private static final String FILE = "libkvmdev.so";
  private static final List<String> SOURCES =
      List.of(
          "protocol.h",
          "kvmdev.h",
          "libc.c",
          "signals.c",
          "files.c",
          "events.c",
          "link.c",
          "interpose.c");
  private static final List<String> OPTIONS =
      List.of("-std=gnu11", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-fvisibility=hidden");

  private ClientLibrary() {}

  /**
   * The library for a kind of machine.
   *
   * @param target what the program was built for
   * @return the file, for LD_PRELOAD
   * @throws MissingException where there is none and it cannot be compiled; says which package is
   *     missing
   * @throws IOException where it cannot be written
   */
  public static Path of(Target target) throws MissingException, IOException {
    String ready = System.getenv(FOLDER_VARIABLE);
    if (ready != null) {
      Path file = Path.of(ready, target.architecture(), FILE).toAbsolutePath();
      if (!Files.isReadable(file)) {
        throw new MissingException(
            FOLDER_VARIABLE + " names a folder without " + target.architecture() + "/" + FILE);
      }
      return file;
    }
    Path folder = cache().resolve(fingerprint()).resolve(target.architecture());
    Path file = folder.resolve(FILE);
    return Files.exists(file) ? file : compile(target, file);
  }

  private static Path cache() {
    String base = System.getenv("XDG_CACHE_HOME");
    return base != null && !base.isEmpty()
        ? Path.of(base, "kvmdev").toAbsolutePath()
        : Path.of(System.getProperty("user.home"), ".cache", "kvmdev").toAbsolutePath();
  }

  /** The sources and how they are compiled, in a few letters: other ones are another library. */
  private static String fingerprint() {
    CRC32 sum = new CRC32();
    sum.update(String.join(" ", OPTIONS).getBytes(StandardCharsets.UTF_8));
    for (String source : SOURCES) {
      try (InputStream in = source(source)) {
        sum.update(in.readAllBytes());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return HexFormat.of().toHexDigits((int) sum.getValue());
  }

  private static InputStream source(String name) {
    InputStream in = ClientLibrary.class.getResourceAsStream("c/" + name);
    if (in == null) {
      throw new IllegalStateException("the library's source " + name + " is not in its jar");
    }
    return in;
  }

  /**
   * The C compiler for a kind of machine.
   *
   * @param target the machine
   * @return the compiler; null where none is installed
   */
  public static @Nullable Path compiler(Target target) {
    Path compiler = Target.find(target.compiler());
    return compiler == null && target.isNative() ? Target.find("cc") : compiler;
  }

  private static Path compile(Target target, Path file) throws MissingException, IOException {
    Path compiler = compiler(target);
    if (compiler == null) {
      throw new MissingException(
          "the library for "
              + target.architecture()
              + " programs has to be compiled, and there is no "
              + target.compiler()
              + "; install it (on Debian: apt install "
              + target.compilerPackage()
              + "), or set "
              + FOLDER_VARIABLE
              + " to a folder with "
              + target.architecture()
              + "/"
              + FILE);
    }
    Path folder = file.resolveSibling("tmp" + ProcessHandle.current().pid());
    Files.createDirectories(folder);
    try {
      List<String> command = new ArrayList<>();
      command.add(compiler.toString());
      command.addAll(OPTIONS);
      for (String source : SOURCES) {
        try (InputStream in = source(source)) {
          Files.copy(in, folder.resolve(source), StandardCopyOption.REPLACE_EXISTING);
        }
        if (source.endsWith(".c")) {
          command.add(source);
        }
      }
      command.addAll(List.of("-o", FILE, "-ldl", "-lpthread"));
      Process process =
          new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new MissingException(
            "the library for "
                + target.architecture()
                + " programs cannot be compiled here (on Debian: apt install "
                + target.compilerPackage()
                + "); "
                + compiler
                + " says:\n"
                + said);
      }
      // All at once, for whoever compiles it at the same time.
      return Files.move(folder.resolve(FILE), file, StandardCopyOption.ATOMIC_MOVE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while the library was compiled", e);
    } finally {
      try (Stream<Path> left = Files.list(folder)) {
        for (Path each : left.toList()) {
          Files.delete(each);
        }
      }
      Files.delete(folder);
    }
  }
}
