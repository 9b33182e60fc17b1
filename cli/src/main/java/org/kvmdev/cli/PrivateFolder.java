package org.kvmdev.cli;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.stream.Stream;

/**
 * A temporary folder of this process alone. Its name need not be a secret, as that of {@link
 * Files#createTempDirectory} is: what there is already is never taken, and no other user may look
 * into it. So the JVM's security providers, which take longest of all to be loaded, are not needed.
 *
 * @param path where it is
 */
record PrivateFolder(Path path) implements AutoCloseable {
  private static final int MOST_LEFT_BEHIND = 1000;

  /** Makes one. */
  static PrivateFolder make() throws IOException {
    Path all = Path.of(System.getProperty("java.io.tmpdir"));
    String name = "kvmdev" + ProcessHandle.current().pid();
    for (int i = 0; ; i++) {
      try {
        Path path = all.resolve(i == 0 ? name : name + "-" + i);
        return new PrivateFolder(
            Files.createDirectory(
                path,
                PosixFilePermissions.asFileAttribute(
                    PosixFilePermissions.fromString("rwx------"))));
      } catch (FileAlreadyExistsException leftBehind) {
        if (i == MOST_LEFT_BEHIND) {
          throw leftBehind;
        }
      }
    }
  }

  /** Removes it, with all that is in it. */
  @Override
  public void close() throws IOException {
    try (Stream<Path> all = Files.walk(path)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }
}
