package org.kvmdev.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.kvmdev.api.Host;
import org.kvmdev.bridge.Recorder;
import org.kvmdev.runtime.Kvm;

/**
 * A recording that is being written.
 *
 * @param file where it goes
 * @param recorder who writes it
 */
record Recording(Path file, Recorder recorder) implements AutoCloseable {
  /** Begins one of the machine's own KVM. */
  static Recording of(Path file, Kvm kvm, String host, String source, List<String> command)
      throws IOException {
    Writer out;
    try {
      out = Files.newBufferedWriter(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new WrongInput("kvmdev: the recording " + file + " cannot be written: " + e);
    }
    String title = String.join(" ", command);
    return new Recording(file, new Recorder(out, host, source, title, kvm.types()));
  }

  /** Begins one of what kvmdev answers. */
  static Recording of(Path file, Kvm kvm, Host host, List<String> command) throws IOException {
    return of(file, kvm, host.name(), "kvmdev, as " + host.kernel(), command);
  }

  /** Tells how much is in it, and what is not. */
  void report(PrintWriter out) {
    out.println("kvmdev: " + recorder.calls() + " calls in " + file);
    recorder
        .skipped()
        .forEach(
            (what, times) ->
                out.printf(
                    "kvmdev: not recorded, the format has no call for it: %s (%d times)%n",
                    what, times));
    out.flush();
  }

  @Override
  public void close() throws IOException {
    recorder.close();
  }
}
