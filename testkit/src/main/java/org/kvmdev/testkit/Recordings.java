package org.kvmdev.testkit;

import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.kvmdev.testkit.trace.Trace;
import org.kvmdev.testkit.trace.TraceException;
import org.kvmdev.testkit.trace.TraceReader;

/**
 * The recordings that come with the testkit: what real Linux kernels answered. They are never
 * edited; an index tells each one's digest, and a test holds both equal.
 *
 * <p>They are found from the class path, the module path and a linked image alike.
 */
public final class Recordings {
  static final String FOLDER = "recordings/";
  static final String INDEX = FOLDER + "index";

  private static final String FILE_NAME_END = ".kvmtrace.jsonl";

  private Recordings() {}

  /**
   * All of them.
   *
   * @return the recordings, by family and name
   */
  public static List<Recording> all() {
    return Index.RECORDINGS;
  }

  /**
   * Those whose path begins with one of some prefixes.
   *
   * @param prefixes {@code mpic/} is a family, {@code arm64/v2-} a part of one
   * @return the recordings, by family and name
   */
  public static List<Recording> matching(String... prefixes) {
    List<Recording> matching = new ArrayList<>();
    for (Recording recording : all()) {
      for (String prefix : prefixes) {
        if (recording.path().startsWith(prefix)) {
          matching.add(recording);
          break;
        }
      }
    }
    return matching;
  }

  /**
   * The families.
   *
   * @return {@code arm64}, {@code mpic} and so on
   */
  public static Set<String> families() {
    Set<String> families = new LinkedHashSet<>();
    for (Recording recording : all()) {
      families.add(recording.family());
    }
    return families;
  }

  /**
   * One recording.
   *
   * @param path its place: {@code mpic/42-connect.kvmtrace.jsonl}
   * @param lines how many lines it has: its header, and one a call
   * @param sha256 its digest, in hexadecimal digits
   */
  public record Recording(String path, int lines, String sha256) {
    /**
     * Its family.
     *
     * @return the path's first part
     */
    public String family() {
      return path.substring(0, path.indexOf('/'));
    }

    /**
     * Its name in its family.
     *
     * @return the file's name, without what all names end with
     */
    public String name() {
      return path.substring(path.indexOf('/') + 1, path.length() - FILE_NAME_END.length());
    }

    /**
     * Its bytes.
     *
     * @return a stream, to be closed
     * @throws IOException where it cannot be read
     */
    public InputStream open() throws IOException {
      return resource(FOLDER + path);
    }

    /**
     * What it says.
     *
     * @return the trace
     * @throws IOException where it cannot be read
     * @throws TraceException where it is no recording
     */
    public Trace trace() throws IOException, TraceException {
      try (InputStream in = open()) {
        return TraceReader.read(path, in);
      }
    }

    @Override
    public String toString() {
      return path;
    }
  }

  private static InputStream resource(String name) throws IOException {
    InputStream in = Recordings.class.getResourceAsStream(name);
    if (in == null) {
      throw new FileNotFoundException(name + " is missing in " + Recordings.class.getModule());
    }
    return in;
  }

  /** Read once, when somebody asks. */
  private static final class Index {
    static final List<Recording> RECORDINGS = read();

    private static List<Recording> read() {
      List<Recording> recordings = new ArrayList<>();
      try (BufferedReader lines =
          new BufferedReader(new InputStreamReader(resource(INDEX), StandardCharsets.UTF_8))) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          String[] parts = line.split(" ", 3);
          recordings.add(new Recording(parts[2], Integer.parseInt(parts[1]), parts[0]));
        }
      } catch (IOException e) {
        throw new UncheckedIOException(INDEX, e);
      }
      return List.copyOf(recordings);
    }
  }
}
