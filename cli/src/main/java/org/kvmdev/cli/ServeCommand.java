package org.kvmdev.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.kvmdev.bridge.BridgeServer;
import org.kvmdev.bridge.ClientLibrary;
import org.kvmdev.runtime.Kvm;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Serves programs that are started elsewhere. */
final class ServeCommand implements Callable<Integer> {
  private final OptionSpec place =
      Options.path(
              "--socket", "PATH", "Where the socket is made; whoever can write to it is served.")
          .required(true)
          .build();

  private final KvmdevCommand kvmdev;
  private final CommandSpec spec;
  private final ServeOptions options;

  ServeCommand(KvmdevCommand kvmdev) {
    this.kvmdev = kvmdev;
    spec = CommandSpec.wrapWithoutInspection(this).name("serve");
    options = new ServeOptions(spec);
    spec.addOption(place);
    spec.usageMessage()
        .description(
            "Serves programs that are started elsewhere, in containers say, with the client library"
                + " (kvmdev library) in LD_PRELOAD and the socket in KVMDEV_SOCKET.");
    Options.addHelp(spec);
  }

  CommandSpec spec() {
    return spec;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path socket = place.getValue();
    removeStale(socket);
    PrintWriter out = kvmdev.scope().out();
    try (Kvm kvm = kvmdev.scope().kvm();
        BridgeServer server =
            BridgeServer.open(
                socket, kvm, options.bridge(options.host(kvm), kvmdev.scope().err()::println))) {
      // Interrupted or told to end, it takes its socket along.
      Runnable end = server::close;
      Runtime.getRuntime().addShutdownHook(new Thread(() -> end(end)));
      out.println("kvmdev serves at " + socket + "; a program finds it there with");
      out.println(
          "LD_PRELOAD=$(kvmdev library) "
              + ClientLibrary.SOCKET_VARIABLE
              + "="
              + socket.toAbsolutePath());
      out.flush();
      new CountDownLatch(1).await();
    } catch (IOException e) {
      throw new WrongInput("kvmdev: the socket " + socket + " cannot be made: " + e.getMessage());
    }
    return 0;
  }

  private void end(Runnable server) {
    server.run();
    options.printSummary(kvmdev.scope().err());
  }

  /** A socket that nobody answers at is from a server that was killed. */
  private static void removeStale(Path socket) throws IOException {
    if (Files.isRegularFile(socket) || Files.isDirectory(socket)) {
      throw new WrongInput("kvmdev: --socket " + socket + " is a file or folder");
    }
    if (Files.exists(socket)) {
      try (SocketChannel other = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
        throw new WrongInput("kvmdev: another server answers at " + other.getRemoteAddress());
      } catch (IOException nobody) {
        Files.delete(socket);
      }
    }
  }
}
