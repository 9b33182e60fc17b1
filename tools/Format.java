import com.google.googlejavaformat.java.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;

/**
 * Checks ({@code check}) or repairs ({@code fix}) the format of all Java sources of this project,
 * with google-java-format. The build runs it; {@code ./format} is the repair.
 */
final class Format {
  private Format() {}

  public static void main(String[] args) throws Exception {
    boolean fix = args.length == 1 && args[0].equals("fix");
    List<String> command = new ArrayList<>(List.of(fix ? "--replace" : "--dry-run"));
    List<String> sources = sources(Path.of(""));
    command.addAll(sources);

    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status =
        new Main(new PrintWriter(out, true), new PrintWriter(err, true), System.in)
            .format(command.toArray(String[]::new));
    System.err.print(err);
    if (status != 0) {
      System.exit(status);
    }

    List<String> wrong = out.toString().lines().toList();
    if (!wrong.isEmpty()) {
      wrong.forEach(file -> System.err.println("not formatted: " + file));
      System.err.println("Run ./format to format " + (wrong.size() == 1 ? "it." : "them."));
      System.exit(1);
    }
    System.out.println(sources.size() + " Java files are formatted.");
  }

  /** The Java files below a folder, without what is generated, hidden or not ours. */
  private static List<String> sources(Path root) throws IOException {
    List<String> sources = new ArrayList<>();
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            String name = folder.getFileName().toString();
            return name.equals("target")
                    || name.equals("archetype-resources")
                    || name.startsWith(".")
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (file.toString().endsWith(".java")) {
              sources.add(file.toString());
            }
            return FileVisitResult.CONTINUE;
          }
        });
    sources.sort(null);
    return sources;
  }
}
