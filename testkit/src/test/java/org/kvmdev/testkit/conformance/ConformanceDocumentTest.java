package org.kvmdev.testkit.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** docs/conformance.md says what the rules say. */
class ConformanceDocumentTest {
  private static final Path PAGE = Path.of("..", "docs", "conformance.md");
  private static final Path MADE = Path.of("target", "conformance.md");

  @Test
  void the_page_is_made_from_the_rules() throws IOException {
    String made = ConformanceDocument.text();
    Files.createDirectories(MADE.getParent());
    Files.writeString(MADE, made);
    String page = Files.exists(PAGE) ? Files.readString(PAGE) : "";
    assertEquals(made, page, "copy testkit/target/conformance.md to docs/conformance.md");
  }
}
