package org.kvmdev.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Options that are made by calls instead of annotations: those of {@code run}, and what it shares
 * with other commands. A program that is run waits for them, and annotations are read by classes
 * that the JVM makes anew at every start, which takes three times as long as all else here.
 */
final class Options {
  private Options() {}

  /** An option that is there or not; {@link #isGiven} says which. */
  static OptionSpec.Builder flag(String name, String description) {
    return OptionSpec.builder(name).type(boolean.class).description(description);
  }

  /** An option with a word; {@link #given} is the word. */
  static OptionSpec.Builder word(String name, String label, String description) {
    return OptionSpec.builder(name).type(String.class).paramLabel(label).description(description);
  }

  /** An option with a file or folder; {@link #given} is its path. */
  static OptionSpec.Builder path(String name, String label, String description) {
    return OptionSpec.builder(name)
        .type(Path.class)
        .converters(Path::of)
        .paramLabel(label)
        .description(description);
  }

  /** What every command has: as picocli's {@code mixinStandardHelpOptions}. */
  static void addHelp(CommandSpec command) {
    command.addOption(
        OptionSpec.builder("-h", "--help")
            .usageHelp(true)
            .description("Show this help message and exit.")
            .build());
    command.addOption(
        OptionSpec.builder("-V", "--version")
            .versionHelp(true)
            .description("Print version information and exit.")
            .build());
  }

  static boolean isGiven(OptionSpec flag) {
    return Boolean.TRUE.equals(flag.getValue());
  }

  /** The value, as its type says; null where the option was not given and has no default. */
  static <T> @Nullable T given(OptionSpec option) {
    return option.getValue();
  }
}
