package org.kvmdev.cli;

import java.io.PrintWriter;
import java.io.StringWriter;

/**
 * Runs each subcommand once, while the image is made: the JVM watches, and lays out ahead what
 * every later start loads.
 */
public final class Rehearsal {
  private static final String[][] COMMANDS = {
    {"--version"},
    {"--help"},
    {"list"},
    {"hosts", "--json"},
    {"describe", "1"},
    {"replay", "mpic/20-connect"},
    {"lst"},
  };

  private Rehearsal() {}

  /**
   * Runs them; what they answer is not looked at here, since an image may be without one of the
   * devices.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    for (String[] command : COMMANDS) {
      PrintWriter nobody = new PrintWriter(new StringWriter());
      Main.run(nobody, nobody, command);
    }
  }
}
