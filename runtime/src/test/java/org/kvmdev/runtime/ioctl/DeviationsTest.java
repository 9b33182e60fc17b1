package org.kvmdev.runtime.ioctl;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is refused although Linux has it is in the one list of such. */
class DeviationsTest {
  static Stream<Request> notAnswered() {
    return Arrays.stream(Request.values()).filter(request -> !request.isAnswered());
  }

  @ParameterizedTest
  @MethodSource("notAnswered")
  void aRequestThatIsNotAnsweredIsListed(Request request) throws IOException {
    String list = Files.readString(Path.of("..", "docs", "deviations.md"));
    assertTrue(
        list.matches("(?s).*\\b" + request + "\\b.*"), () -> request + " is not in the list");
  }
}
