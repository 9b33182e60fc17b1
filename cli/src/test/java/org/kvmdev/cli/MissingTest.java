package org.kvmdev.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kvmdev.bridge.Target;

/**
 * On a machine where nothing is installed, kvmdev says what is missing, one thing after the other.
 */
class MissingTest {
  @TempDir private Path folder;

  /** The begin of a program: what it was built for, and the dynamic loader that it names. */
  private Path program(int machine, boolean wide, ByteOrder order, String loader)
      throws IOException {
    ByteBuffer file = ByteBuffer.allocate(256).order(order);
    file.put(0, new byte[] {0x7f, 'E', 'L', 'F'});
    file.put(4, (byte) (wide ? 2 : 1)).put(5, (byte) (order == ByteOrder.BIG_ENDIAN ? 2 : 1));
    file.putShort(16, (short) 3).putShort(18, (short) machine);
    int length = loader.length() + 1;
    if (wide) {
      file.putLong(32, 64).putShort(54, (short) 56).putShort(56, (short) 1);
      file.putInt(64, 3).putLong(64 + 8, 128).putLong(64 + 32, length);
    } else {
      file.putInt(28, 64).putShort(42, (short) 32).putShort(44, (short) 1);
      file.putInt(64, 3).putInt(64 + 4, 128).putInt(64 + 16, length);
    }
    file.put(128, loader.getBytes(StandardCharsets.US_ASCII));
    return Files.write(folder.resolve("program"), file.array());
  }

  private String run(Map<String, String> more, Path program, String... options) throws Exception {
    Map<String, String> environment = new HashMap<>();
    environment.put("PATH", folder.resolve("bin").toString());
    environment.put("XDG_CACHE_HOME", folder.resolve("cache").toString());
    environment.putAll(more);
    String[] arguments = new String[options.length + 3];
    arguments[0] = "run";
    System.arraycopy(options, 0, arguments, 1, options.length);
    arguments[options.length + 1] = "--";
    arguments[options.length + 2] = program.toString();
    try (OwnProcess kvmdev = new OwnProcess(folder, environment, arguments)) {
      int status = kvmdev.status();
      assertEquals(2, status, kvmdev.output());
      return kvmdev.output();
    }
  }

  private static void says(String output, String text) {
    assertTrue(output.contains(text), () -> text + " is not in: " + output);
  }

  @ParameterizedTest
  @CsvSource({
    "ARM64, 183, true, false, arm64-gicv3-6.1, gcc-aarch64-linux-gnu, qemu-aarch64, arm64",
    "PPC64, 21, true, false, ppc64-xics-6.1, gcc-powerpc64le-linux-gnu, qemu-ppc64le, ppc64el",
    "POWERPC, 20, false, true, powerpc-e500v2-6.12, gcc-powerpc-linux-gnu, qemu-ppc, powerpc"
  })
  void eachPackageIsNamed(
      Target target,
      int machine,
      boolean wide,
      boolean big,
      String host,
      String compiler,
      String emulator,
      String debian)
      throws Exception {
    assumeFalse(target.isNative(), "a program of this machine needs no emulator");
    ByteOrder order = big ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    Path program = program(machine, wide, order, "/lib/ld-of-nobody.so.1");
    Files.createDirectory(folder.resolve("bin"));

    // No compiler; the host is one of its architecture.
    String output = run(Map.of(), program);
    says(output, "there is no " + compiler.substring(4) + "-gcc; install it");
    says(output, "(on Debian: apt install " + compiler + ")");
    assertEquals(1, output.lines().count(), output);

    // The library is there, and no emulator.
    Path library = folder.resolve("libraries").resolve(target.architecture());
    Files.createDirectories(library);
    Files.createFile(library.resolve("libkvmdev.so"));
    Map<String, String> libraries =
        Map.of("KVMDEV_LIBRARIES", folder.resolve("libraries").toString());
    output = run(libraries, program, "--host", host);
    says(output, emulator + ", which is not installed (on Debian: apt install qemu-user)");

    // An emulator, and no libraries.
    Files.createFile(
        folder.resolve("bin").resolve(emulator),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
    output = run(libraries, program, "--host", host);
    says(output, "(on Debian: apt install libc6-" + debian + "-cross), and no --sysroot was given");
    output = run(libraries, program, "--host", host, "--sysroot", folder.toString());
    says(output, "the folder " + folder + " has no lib/ld-of-nobody.so.1 in it");

    output = run(Map.of("KVMDEV_LIBRARIES", folder.toString()), program, "--host", host);
    says(output, "names a folder without " + target.architecture() + "/libkvmdev.so");
  }

  @Test
  void aMachineThatThereIsNoLibraryForIsNamed() throws Exception {
    Path program = program(22, true, ByteOrder.BIG_ENDIAN, "/lib/ld64.so.1");
    String output = run(Map.of(), program);
    says(output, "is for machine 22 of 64 bits, big-endian; kvmdev has the library for: arm64, ");
    assertEquals(List.of(output.strip()), output.lines().toList());
  }

  @Test
  void aProgramThatNoHostIsForIsToldWhereItCanRun() throws Exception {
    Path program = program(62, true, ByteOrder.LITTLE_ENDIAN, "/lib/ld-of-nobody.so.1");
    String output = run(Map.of(), program);
    says(output, "the program is for x86_64, and there is no such host; name one that it can run");
    says(output, "with --host: arm64-gicv2-6.1, arm64-gicv3-6.1");
    assertFalse(output.contains("ppc64"), output);
    output = run(Map.of(), program, "--host", "ppc64-xics-6.1");
    says(output, "a program for x86_64 cannot run on host ppc64-xics-6.1");
    says(output, "build it for ppc64");
  }
}
