package org.kvmdev.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The same sources, built a second time in another folder, give the same jars byte for byte. */
class ReproducibleTest {
  /** What is no part of a build's input, or not built for this test. */
  private static final List<String> LEFT_OUT =
      List.of(".git", "target", "benchmarks", "examples", "archetype-resources");

  @Test
  void aSecondBuildGivesTheSameJars() throws Exception {
    Path second = Installed.emptyFolder("second-build");
    copySources(second);
    Installed.Run run =
        Installed.run(
            second, "mvn -B -q -Dmaven.test.skip=true -Dexec.skip=true -pl cli -am package");
    assertEquals(0, run.code(), run::output);
    List<String> different = new ArrayList<>();
    int compared = 0;
    for (String module : Installed.modules()) {
      String name = Installed.artifactId(module) + "-" + Installed.VERSION;
      if (module.equals("bom") || module.equals("archetype")) {
        continue;
      }
      for (String end : List.of(".jar", "-sources.jar")) {
        Path file = Path.of(module, "target", name + end);
        compared++;
        if (Files.mismatch(Installed.ROOT.resolve(file), second.resolve(file)) != -1) {
          different.add(file.toString());
        }
      }
    }
    assertEquals(List.of(), different);
    assertTrue(compared >= 16, compared + " files were compared");
  }

  private static void copySources(Path to) throws IOException {
    Path root = Installed.ROOT;
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes)
              throws IOException {
            Path relative = root.relativize(folder);
            if (LEFT_OUT.contains(folder.getFileName().toString())
                && !relative.toString().contains("/src/")) {
              return FileVisitResult.SKIP_SUBTREE;
            }
            Files.createDirectories(to.resolve(relative.toString()));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.copy(file, to.resolve(root.relativize(file).toString()));
            return FileVisitResult.CONTINUE;
          }
        });
    // The reactor needs the modules that it names, and no more of these than their poms.
    for (String module : List.of("benchmarks", "examples")) {
      Files.createDirectories(to.resolve(module));
      Files.copy(root.resolve(module).resolve("pom.xml"), to.resolve(module).resolve("pom.xml"));
    }
  }
}
