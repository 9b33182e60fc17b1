package org.kvmdev.benchmarks.machine;

import java.io.IOException;
import java.nio.file.Files;

/** The linked image's {@code kvmdev --version}: a process from its start to its end. */
public record StartUp(java.nio.file.Path command) implements Path {
  /**
   * Whether the image was built.
   *
   * @return whether there is a command to start
   */
  public boolean isThere() {
    return Files.isExecutable(command);
  }

  @Override
  public long take(int times) throws IOException, InterruptedException {
    for (int i = 0; i < times; i++) {
      Process process =
          new ProcessBuilder(command.toString(), "--version")
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      int status = process.waitFor();
      if (status != 0) {
        throw new IOException(command + " --version ended with " + status);
      }
    }
    return times;
  }
}
