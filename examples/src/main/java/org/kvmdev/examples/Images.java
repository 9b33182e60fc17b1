package org.kvmdev.examples;

import java.nio.file.Path;

/** The distributions for one guest architecture, linked once for all tests. */
final class Images {
  /** What the linker told: a line each with its size and how long it takes to start. */
  static final String TOLD;

  private static final Path FOLDER = Installed.TARGET.resolve("distributions");

  static {
    Path cli = Installed.ROOT.resolve("cli/target");
    try {
      Installed.Run run =
          Installed.run(
              Installed.ROOT,
              "'%s/bin/java' tools/Distributions.java '%s:%s' '%s' kvmdev-arm64,kvmdev-powerpc"
                  .formatted(
                      System.getProperty("java.home"),
                      cli.resolve("kvmdev-cli-" + Installed.VERSION + ".jar"),
                      cli.resolve("image-modules"),
                      FOLDER));
      if (run.code() != 0) {
        throw new IllegalStateException(run.output());
      }
      TOLD = run.output();
    } catch (Exception e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private Images() {}

  static Path linked(String name) {
    return FOLDER.resolve(name);
  }
}
