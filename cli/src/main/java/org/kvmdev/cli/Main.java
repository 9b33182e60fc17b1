package org.kvmdev.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;

/** The {@code kvmdev} command's entry. */
public final class Main {
  private static final int HELP_WIDTH = 100;

  private Main() {}

  /**
   * Runs the command and ends the process with its exit code.
   *
   * @param arguments the command line
   */
  public static void main(String[] arguments) {
    PrintWriter out = new PrintWriter(System.out, false, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    int code = run(out, err, arguments);
    out.flush();
    System.exit(code);
  }

  /**
   * Runs the command.
   *
   * @param out where answers go
   * @param err where progress and errors go
   * @param arguments the command line
   * @return the exit code: 0, 1 where a replay differs or something is not as it should be, 2 for a
   *     wrong command line
   */
  static int run(PrintWriter out, PrintWriter err, String... arguments) {
    // No option is a time, and to prepare for one takes a twentieth of the start.
    System.setProperty("picocli.converters.excludes", "java.time.*");
    CommandLine line = KvmdevCommand.line(arguments);
    line.setOut(out).setErr(err).setUsageHelpWidth(HELP_WIDTH);
    // Answers are read by programs too; colours would only be in their way.
    line.setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF));
    line.setExecutionExceptionHandler(
        (fault, command, parsed) -> {
          if (fault instanceof WrongInput) {
            err.println(fault.getMessage());
            return CommandLine.ExitCode.USAGE;
          }
          throw fault;
        });
    return line.execute(arguments);
  }
}
