package org.kvmdev.bridge;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import org.kvmdev.api.Host;
import org.kvmdev.runtime.Kvm;

/**
 * Makes the first answers quick. Until a program under qemu-user has been loaded and asks its first
 * question, some hundred milliseconds pass. Meanwhile the calls of a VMM's start are rehearsed, so
 * that what will answer them is initialised and compiled. The rehearsal has a server, a process and
 * a VM of its own, and nobody is told of its calls.
 */
public final class WarmUp implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("org.kvmdev.bridge");

  private final Thread thread;

  private WarmUp(Thread thread) {
    this.thread = thread;
  }

  /**
   * Begins, on a thread of its own.
   *
   * @param kvm the device types
   * @param host the host that the program will have
   * @param socket where the rehearsal's server answers; there must be nothing yet
   * @return what ends it, if it has not ended by then
   */
  public static WarmUp begin(Kvm kvm, Host host, Path socket) {
    return new WarmUp(
        Thread.ofPlatform()
            .daemon()
            .name("kvmdev-warm-up")
            .start(
                () -> {
                  try {
                    Rehearsal.run(kvm, host, socket, 1);
                  } catch (IOException | RuntimeException | LinkageError e) {
                    // Its end, or what the program's own requests will meet and tell.
                    LOG.log(Level.DEBUG, "the warm-up has ended", e);
                  }
                }));
  }

  /** Ends it, and waits until its socket is gone. */
  @Override
  public void close() {
    thread.interrupt();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
