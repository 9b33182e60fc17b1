package org.kvmdev.runtime;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.zip.ZipFile;

/**
 * A plug-in's jar, read once: what is checked is what is loaded, no file stays open, and the jar
 * may be written over while its devices run.
 *
 * @param path the jar
 * @param sha256 the file's SHA-256, in lower-case hexadecimal
 * @param entries its files by name, as this version of Java sees them
 */
record JarContent(Path path, String sha256, Map<String, byte[]> entries) {
  /**
   * Reads a jar.
   *
   * @throws IOException where it is none, or changes meanwhile
   */
  static JarContent read(Path path) throws IOException {
    List<Object> before = version(path);
    Map<String, byte[]> entries = new LinkedHashMap<>();
    try (JarFile file =
        new JarFile(new File(path.toString()), true, ZipFile.OPEN_READ, JarFile.runtimeVersion())) {
      for (JarEntry entry : (Iterable<JarEntry>) file.versionedStream()::iterator) {
        if (!entry.isDirectory()) {
          try (InputStream in = file.getInputStream(entry)) {
            entries.put(entry.getName(), in.readAllBytes());
          }
        }
      }
    }
    String digest = digest(path);
    if (!version(path).equals(before)) {
      throw new IOException("it changed while it was read");
    }
    return new JarContent(path, digest, entries);
  }

  private static List<Object> version(Path path) throws IOException {
    BasicFileAttributes now = Files.readAttributes(path, BasicFileAttributes.class);
    return List.of(now.size(), now.lastModifiedTime(), String.valueOf(now.fileKey()));
  }

  private static String digest(Path path) throws IOException {
    try (DigestInputStream in =
        new DigestInputStream(Files.newInputStream(path), MessageDigest.getInstance("SHA-256"))) {
      byte[] buffer = new byte[1 << 16];
      while (in.read(buffer) >= 0) {
        // The stream counts along.
      }
      return HexFormat.of().formatHex(in.getMessageDigest().digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
