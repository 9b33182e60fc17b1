package org.kvmdev.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * docs/device-guide.md, followed from an empty folder: its commands are run, what it shows of their
 * output is printed by them, its changes are made, and its Java is in files that were compiled.
 */
class GuideTest {
  private static final Pattern BLOCK = Pattern.compile("(?ms)^```(\\w*)\n(.*?)^```$");

  /** Installs all of kvmdev: {@link Installed} has done what it does. */
  private static final String INSTALL = "mvn -f \"$KVMDEV/pom.xml\" -B -ntp -q -DskipTests install";

  private final Path empty = Installed.emptyFolder("guide");
  private Path folder = empty;
  private String printed = "";
  private int commands;

  GuideTest() throws IOException {}

  @Test
  void theGuideLeadsFromAnEmptyFolderToAConformingJar() throws Exception {
    String guide = Files.readString(Installed.ROOT.resolve("docs/device-guide.md"));
    Matcher block = BLOCK.matcher(guide);
    while (block.find()) {
      String text = block.group(2);
      switch (block.group(1)) {
        case "sh" -> run(text);
        case "diff" -> change(text);
        case "java" -> isCompiled(text);
        case "" -> isPrinted(text);
        default -> throw new AssertionError("a block of unknown kind: " + block.group());
      }
    }
    assertEquals(4, commands);
  }

  private void run(String commandLines) throws Exception {
    commands++;
    if (commandLines.strip().equals(INSTALL)) {
      return;
    }
    Path where = Installed.TARGET.resolve("guide.pwd");
    Installed.Run run =
        Installed.run(folder, "set -e\n" + commandLines + "\npwd > '" + where + "'\n");
    assertEquals(0, run.code(), () -> commandLines + "\n" + run.output());
    printed = run.output();
    folder = Path.of(Files.readString(where).strip());
  }

  /** Each line is one that was printed; dots stand for anything, blanks for one or more. */
  private void isPrinted(String lines) {
    for (String line : lines.split("\n")) {
      String pattern =
          Arrays.stream(line.split("\\.\\.\\.", -1))
              .map(
                  part ->
                      Arrays.stream(part.split(" +", -1))
                          .map(Pattern::quote)
                          .collect(Collectors.joining(" +")))
              .collect(Collectors.joining(".*"));
      assertTrue(
          printed.lines().anyMatch(each -> each.matches(pattern)),
          () -> line + "\nis not in:\n" + printed);
    }
  }

  /** A diff without line numbers: what it keeps and removes is looked for from top to bottom. */
  private void change(String diff) throws IOException {
    Path file = empty;
    List<String> content = new ArrayList<>();
    int at = 0;
    for (String line : (diff + "--- ").split("\n")) {
      if (line.startsWith("--- ")) {
        if (!content.isEmpty()) {
          Files.write(file, content);
        }
        if (line.length() > 4) {
          file = folder.resolve(line.substring(4));
          content = new ArrayList<>(Files.readAllLines(file));
          at = 0;
        }
        continue;
      }
      String text = line.substring(1);
      if (line.charAt(0) == '+') {
        content.add(at++, text);
        continue;
      }
      int found = content.subList(at, content.size()).indexOf(text);
      assertTrue(found >= 0, file + " has no line: " + text);
      at += found;
      if (line.charAt(0) == '-') {
        content.remove(at);
      } else {
        at++;
      }
    }
  }

  private void isCompiled(String java) throws IOException {
    for (Path root : List.of(folder, Installed.ROOT.resolve("examples/uart16550"))) {
      try (Stream<Path> files = Files.walk(root.resolve("src"))) {
        for (Path file : files.filter(each -> each.toString().endsWith(".java")).toList()) {
          if (Files.readString(file).contains(java)) {
            return;
          }
        }
      }
    }
    throw new AssertionError("no file has this:\n" + java);
  }
}
