package org.kvmdev.cli;

import java.util.List;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;

/** The command itself; without a subcommand it teaches. */
final class KvmdevCommand implements Runnable {
  private final CommandSpec spec = CommandSpec.wrapWithoutInspection(this).name("kvmdev");
  private final Scope scope = new Scope(spec);

  private KvmdevCommand() {
    spec.versionProvider(new Version())
        .usageMessage()
        .description(
            "KVM's device-control API on the JVM: interrupt controllers that answer as Linux's KVM"
                + " does.")
        .synopsisSubcommandLabel("COMMAND")
        .footerHeading("%nFor a start:%n")
        .footer(
            "  kvmdev replay                                  all bundled recordings of real"
                + " kernels",
            "  kvmdev replay mpic/42-guest-irq                one of them, by the begin of its"
                + " name",
            "  kvmdev list                                    which device types there are",
            "  kvmdev describe KVM_DEV_TYPE_FSL_MPIC_42       its attributes and registers",
            "  kvmdev run -- ./my-vmm                         a program for Linux's KVM, on kvmdev",
            "  kvmdev --plugins DIR list                      with the device jars in DIR",
            "  kvmdev test my-device.jar                      a jar's devices against the"
                + " conformance rules",
            "  source <(kvmdev completion)                    completion for bash and zsh",
            "",
            "Exit code: 0 all well, 1 a difference or a fault, 2 a wrong command line.");
    Options.addHelp(spec);
  }

  /**
   * Makes the command line. A program that is run waits for all that comes before its start:
   * therefore {@code run} comes without the other subcommands, whose options take longest to make.
   *
   * @param arguments what is going to be read
   */
  static CommandLine line(String... arguments) {
    KvmdevCommand kvmdev = new KvmdevCommand();
    CommandLine line = new CommandLine(kvmdev.spec);
    boolean run = arguments.length > 0 && arguments[0].equals("run");
    (run ? List.of(new RunCommand(kvmdev).spec()) : kvmdev.subcommands())
        .forEach(line::addSubcommand);
    return line;
  }

  /** In the order in which the help lists them. */
  private List<Object> subcommands() {
    return List.of(
        new ReplayCommand(),
        new ListCommand(),
        new DescribeCommand(),
        new HostsCommand(),
        new RunCommand(this).spec(),
        new ServeCommand(this).spec(),
        new RecordCommand(),
        new LibraryCommand(),
        new TestCommand(),
        new Completion());
  }

  Scope scope() {
    return scope;
  }

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }

  /** The version of the module, or of the jar's manifest. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version =
          KvmdevCommand.class.getModule().getDescriptor().rawVersion().orElse("(not packaged)");
      return new String[] {"kvmdev " + version};
    }
  }

  /** Prints the completion script. */
  @Command(
      name = "completion",
      description = "Prints a script that completes kvmdev's command line in bash and zsh.",
      mixinStandardHelpOptions = true)
  static final class Completion extends GenerateCompletion {}
}
