package org.kvmdev.devices.vgic;

import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/** What HAS answers for registers that are not there. */
final class RegisterRefusal {
  private RegisterRefusal() {}

  /**
   * Refuses where there is no register.
   *
   * @param exists whether there is
   * @param attr the attribute's number, for the text
   * @throws KvmException ENXIO where there is none
   */
  static void check(boolean exists, long attr) throws KvmException {
    if (!exists) {
      throw new KvmException(
          Errno.ENXIO, "no register at %#x (registers are words)", attr & 0xffff_ffffL);
    }
  }
}
