package org.kvmdev.api.machine;

import java.util.List;
import org.kvmdev.api.KvmException;

/** The table that says where a global interrupt number (GSI) goes. */
public interface Routing {
  /** How many GSIs there are. */
  int GSIS = 4096;

  /**
   * Replaces the whole table, at once for whoever looks.
   *
   * @param routes the new table
   * @throws KvmException EINVAL where a route cannot be; the table is left as it was
   */
  void replace(List<Route> routes) throws KvmException;

  /**
   * Tells whoever listens that a pin's interrupt was ended. Called with the device's lock released,
   * since a listener may raise the line again.
   *
   * @param chip the chip
   * @param pin its pin
   */
  void acked(int chip, int pin);

  /** Where one GSI goes. */
  sealed interface Route {
    /**
     * The GSI.
     *
     * @return its number
     */
    int gsi();

    /**
     * To a controller's pin.
     *
     * @param gsi the GSI
     * @param chip the chip
     * @param pin its pin
     */
    record Pin(int gsi, int chip, int pin) implements Route {}

    /**
     * To a message.
     *
     * @param gsi the GSI
     * @param address the doorbell's guest physical address
     * @param data the message
     * @param device the device id; has a meaning where {@code flags} say so
     * @param flags KVM_MSI_VALID_DEVID (1) or 0
     */
    record Message(int gsi, long address, int data, int device, int flags) implements Route {}
  }
}
