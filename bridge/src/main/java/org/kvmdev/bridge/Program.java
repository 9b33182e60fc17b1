package org.kvmdev.bridge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A program that is to find its /dev/kvm at a {@link BridgeServer}: what it was built for, and how
 * it is started so that the {@link ClientLibrary} is loaded into it. One of another architecture
 * than the machine's is run by qemu-user.
 */
public final class Program {
  private static final int ELF = 0x7f454c46;
  private static final int INTERPRETER_SEGMENT = 3;
  private static final int MOST_INTERPRETERS = 4;
  private static final int LONGEST_PATH = 4096;

  /** What qemu-user takes for a page where it is not told. */
  private static final int USUAL_PAGE = 4096;

  private final Target target;

  /** What is executed: for a script its interpreter with the script behind it. */
  private final List<String> command;

  /** The dynamic loader that the program names. */
  private final String loader;

  private final @Nullable Path root;

  private Program(Target target, List<String> command, String loader, @Nullable Path root) {
    this.target = target;
    this.command = command;
    this.loader = loader;
    this.root = root;
  }

  /**
   * Looks at a program.
   *
   * @param command its name, found on the search path where it has no slash, and its arguments
   * @param root the folder that is the root of a program for another machine, where its libraries
   *     are; null for where Debian has them
   * @return the program
   * @throws MissingException where there is none, or it cannot be served; says why
   * @throws IOException where it cannot be read
   */
  public static Program of(List<String> command, @Nullable Path root)
      throws MissingException, IOException {
    List<String> all = new ArrayList<>(command);
    Path file = find(command.getFirst());
    all.set(0, file.toString());
    for (int depth = 0; depth < MOST_INTERPRETERS; depth++) {
      String line = interpreter(file);
      if (line == null) {
        return ofBinary(file, all, root);
      }
      String[] words = line.strip().split("\\s+", 2);
      Path next = inRoot(Path.of(words[0]), root);
      if (next.endsWith("env") && words.length == 2 && !words[1].contains(" ")) {
        next = find(words[1]);
        words = new String[] {words[1]};
      }
      if (!Files.isReadable(next)) {
        throw new MissingException(file + " is a script for " + next + ", which there is not");
      }
      List<String> longer = new ArrayList<>(List.of(next.toString()));
      if (words.length == 2) {
        longer.add(words[1]);
      }
      longer.addAll(all);
      all = longer;
      file = next;
    }
    throw new MissingException(command.getFirst() + " is a script for a script for a script");
  }

  private static Path inRoot(Path path, @Nullable Path root) {
    Path inside = root == null ? path : root.resolve(path.toString().replaceFirst("^/+", ""));
    return Files.exists(inside) ? inside : path;
  }

  private static Path find(String name) throws MissingException {
    Path file = name.contains("/") ? Path.of(name) : Target.find(name);
    if (file == null || !Files.exists(file)) {
      throw new MissingException("there is no program " + name);
    }
    if (Files.isDirectory(file) || !Files.isReadable(file)) {
      throw new MissingException(file + " is no program that can be read");
    }
    return file;
  }

  /** What a script names on its first line; null for a program that is none. */
  private static @Nullable String interpreter(Path file) throws IOException {
    ByteBuffer begin = read(file, 0, 256);
    byte[] bytes = new byte[begin.remaining()];
    begin.get(bytes);
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    return text.startsWith("#!") ? text.substring(2).lines().findFirst().orElse("") : null;
  }

  private static ByteBuffer read(Path file, long at, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    try (FileChannel channel = FileChannel.open(file)) {
      while (bytes.hasRemaining() && channel.read(bytes, at + bytes.position()) > 0) {
        // Until there is no more.
      }
    }
    return bytes.flip();
  }

  private static Program ofBinary(Path file, List<String> command, @Nullable Path root)
      throws MissingException, IOException {
    ByteBuffer header = read(file, 0, 64);
    if (header.remaining() < 52 || header.getInt(0) != ELF) {
      throw new MissingException(file + " is neither a program for Linux nor a script");
    }
    boolean wide = header.get(4) == 2;
    header.order(header.get(5) == 2 ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    Target target =
        Stream.of(Target.values())
            .filter(
                each ->
                    each.elfMachine == header.getShort(18)
                        && each.order == header.order()
                        && each.wordBits == (wide ? 64 : 32))
            .findAny()
            .orElseThrow(
                () ->
                    new MissingException(
                        "%s is for machine %d of %d bits, %s; kvmdev has the library for: %s"
                            .formatted(
                                file,
                                header.getShort(18),
                                wide ? 64 : 32,
                                header.order() == ByteOrder.BIG_ENDIAN
                                    ? "big-endian"
                                    : "little-endian",
                                String.join(
                                    ", ",
                                    Stream.of(Target.values())
                                        .map(Target::architecture)
                                        .toList()))));
    return new Program(target, command, loader(file, header, wide), root);
  }

  /** The dynamic loader that a program names: without one, no library is ever loaded into it. */
  private static String loader(Path file, ByteBuffer header, boolean wide)
      throws MissingException, IOException {
    long table = wide ? header.getLong(32) : header.getInt(28);
    int size = header.getShort(wide ? 54 : 42) & 0xffff;
    int count = header.getShort(wide ? 56 : 44) & 0xffff;
    if (size < (wide ? 56 : 32)) {
      throw new MissingException(file + " is damaged: its segments are of " + size + " bytes");
    }
    ByteBuffer segments = read(file, table, size * count).order(header.order());
    for (int at = 0; at + size <= segments.limit(); at += size) {
      if (segments.getInt(at) == INTERPRETER_SEGMENT) {
        long where = wide ? segments.getLong(at + 8) : segments.getInt(at + 4);
        long length = wide ? segments.getLong(at + 32) : segments.getInt(at + 16);
        if (length > 1 && length <= LONGEST_PATH) {
          ByteBuffer name = read(file, where, (int) length - 1);
          return StandardCharsets.UTF_8.decode(name).toString();
        }
      }
    }
    throw new MissingException(
        file
            + " is linked statically: the library that gives it /dev/kvm cannot be loaded into it;"
            + " link it dynamically (for Rust: a -gnu target, for C: without -static; Go makes its"
            + " system calls without libc, and cannot be served)");
  }

  /**
   * What it was built for.
   *
   * @return the kind of machine
   */
  public Target target() {
    return target;
  }

  /**
   * How it is started.
   *
   * @param socket where the server answers
   * @param host what the program finds of its host beside /dev/kvm
   * @return what starts it, with the standard streams of this process
   * @throws MissingException where something is not installed; says which package has it
   * @throws IOException where the library cannot be written
   */
  public ProcessBuilder starter(Path socket, HostView host) throws MissingException, IOException {
    String library = ClientLibrary.of(target).toString();
    String path = socket.toAbsolutePath().toString();
    if (target.isNative() && root == null) {
      ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
      Map<String, String> environment = builder.environment();
      environment.merge("LD_PRELOAD", library, (old, ours) -> ours + ":" + old);
      environment.put(ClientLibrary.SOCKET_VARIABLE, path);
      if (host.files() != null) {
        environment.put(HostView.FILES_VARIABLE, host.files().toString());
      }
      return builder;
    }
    Path emulator = Target.find(target.emulator());
    if (emulator == null) {
      throw new MissingException(
          "a program for "
              + target.architecture()
              + " is run by "
              + target.emulator()
              + ", which is not installed (on Debian: apt install qemu-user)");
    }
    List<String> all = new ArrayList<>(List.of(emulator.toString()));
    if (host.page() > USUAL_PAGE) {
      all.addAll(List.of("-p", Integer.toString(host.page())));
    }
    Path libraries = libraries();
    if (libraries != null) {
      all.addAll(List.of("-L", libraries.toString()));
    }
    all.addAll(List.of("-E", "LD_PRELOAD=" + library));
    all.addAll(List.of("-E", ClientLibrary.SOCKET_VARIABLE + "=" + path));
    if (host.files() != null) {
      all.addAll(List.of("-E", HostView.FILES_VARIABLE + "=" + host.files()));
    }
    all.addAll(command);
    return new ProcessBuilder(all).inheritIO();
  }

  /** Where the program's libraries are; null where that is the machine's own root. */
  private @Nullable Path libraries() throws MissingException {
    String inside = loader.replaceFirst("^/+", "");
    if (root != null) {
      if (!Files.exists(root.resolve(inside))) {
        throw new MissingException("the folder " + root + " has no " + inside + " in it");
      }
      return root.toAbsolutePath();
    }
    if (Files.exists(Path.of(loader))) {
      return null;
    }
    if (Files.exists(target.libraries().resolve(inside))) {
      return target.libraries();
    }
    throw new MissingException(
        "the libraries of programs for "
            + target.architecture()
            + " are not installed (on Debian: apt install "
            + target.librariesPackage()
            + "), and no --sysroot was given");
  }
}
