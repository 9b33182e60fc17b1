package org.kvmdev.clients;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The devices' states in a file that QEMU has migrated to. A device's section begins with the byte
 * 4, its number, the length of its name, the name, an instance and a version, and ends with the
 * byte 0x7e and its number again.
 */
record MigrationStream(byte[] bytes) {
  static MigrationStream read(Path file) throws IOException {
    return new MigrationStream(Files.readAllBytes(file));
  }

  /** The state of an instance of a device. */
  byte[] section(String name, int instance) {
    byte[] text = name.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer all = ByteBuffer.wrap(bytes);
    for (int at = 0; at + 14 + text.length < bytes.length; at++) {
      int begin = at + 6 + text.length + 8;
      if (bytes[at] == 4
          && bytes[at + 5] == text.length
          && all.slice(at + 6, text.length).equals(ByteBuffer.wrap(text))
          && all.getInt(begin - 8) == instance) {
        int number = all.getInt(at + 1);
        for (int end = begin; end + 5 <= bytes.length; end++) {
          if (bytes[end] == 0x7e && all.getInt(end + 1) == number) {
            return Arrays.copyOfRange(bytes, begin, end);
          }
        }
      }
    }
    throw new IllegalArgumentException("the stream has no " + name + " " + instance);
  }
}
