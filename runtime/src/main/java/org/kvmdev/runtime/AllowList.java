package org.kvmdev.runtime;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The jars that may be plug-ins, by their SHA-256: what {@code sha256sum} prints, a line a jar. A
 * jar is looked up by its digest; its name is for people.
 */
public final class AllowList {
  /** The file in a folder of plug-ins that is the folder's list, where nobody gives another. */
  public static final String FILE = "SHA256SUMS";

  private static final Pattern LINE = Pattern.compile("\\\\?([0-9a-fA-F]{64}) [ *](.+)");

  private final Path file;
  private final Map<String, String> names;

  private AllowList(Path file, Map<String, String> names) {
    this.file = file;
    this.names = names;
  }

  /**
   * Reads a list.
   *
   * @param file lines of 64 hexadecimal digits, a space, a space or {@code *}, and the jar's name;
   *     empty lines and lines that begin with {@code #} are passed over
   * @return the list
   * @throws IOException where the file cannot be read, or a line is none of these
   */
  public static AllowList read(Path file) throws IOException {
    Map<String, String> names = new HashMap<>();
    int number = 0;
    try {
      for (String line : Files.readAllLines(file)) {
        number++;
        if (line.isBlank() || line.startsWith("#")) {
          continue;
        }
        Matcher parts = LINE.matcher(line);
        if (!parts.matches()) {
          throw new IOException(
              file
                  + ":"
                  + number
                  + ": no line of sha256sum's: 64 hexadecimal digits, two spaces,"
                  + " a name");
        }
        names.put(parts.group(1).toLowerCase(Locale.ROOT), parts.group(2));
      }
    } catch (CharacterCodingException e) {
      throw new IOException(file + ": it is no text; sha256sum writes such a list", e);
    }
    return new AllowList(file, names);
  }

  /**
   * Refuses a jar that is not on the list.
   *
   * @param prefix how messages begin
   * @param jar the jar
   */
  void check(String prefix, JarContent jar) throws Rejection {
    if (!names.containsKey(jar.sha256())) {
      throw new Rejection(
          prefix
              + "its SHA-256 "
              + jar.sha256()
              + " is not on the list of allowed jars "
              + file
              + (isNamed(jar) ? ", which has another for a jar of this name" : ""),
          "If you trust this jar, add what sha256sum prints for it to the list.");
    }
  }

  private boolean isNamed(JarContent jar) {
    return names.values().stream()
        .anyMatch(name -> Path.of(name).getFileName().equals(jar.path().getFileName()));
  }

  /** {@return the file's path} */
  @Override
  public String toString() {
    return file.toString();
  }
}
