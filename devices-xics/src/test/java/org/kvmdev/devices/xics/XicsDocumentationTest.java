package org.kvmdev.devices.xics;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The page {@code docs/xics.md} says what the code declares. */
class XicsDocumentationTest {
  /** {@code -Dkvmdev.docs=write} writes the page. */
  private static final boolean WRITE = "write".equals(System.getProperty("kvmdev.docs"));

  private static final Path PAGE = Path.of("..", "docs", "xics.md");

  @Test
  void thePageIsUpToDate() throws IOException {
    String page = XicsDocumentation.page();
    if (WRITE) {
      Files.writeString(PAGE, page);
    }
    assertEquals(
        page,
        Files.readString(PAGE),
        "docs/xics.md is not what the code declares; write it with -Dkvmdev.docs=write");
  }
}
