package org.kvmdev.runtime;

/**
 * Who is told when an interrupt pin of a vCPU changes: an emulator's CPU loop. Called on the thread
 * that drove the pin, with a device's lock held: it may set a flag or wake a thread, and must
 * neither block nor call into the VM.
 */
@FunctionalInterface
public interface PinListener {
  /**
   * A pin has changed.
   *
   * @param pin 0 for the first
   * @param high whether it is asserted now
   */
  void changed(int pin, boolean high);
}
