package org.kvmdev.runtime;

import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;

/** Capabilities whose enabling is a line of the host's file, {@code enable.vm.182=u32}. */
final class EnabledByHost {
  private EnabledByHost() {}

  /**
   * Enables a capability.
   *
   * @param host the host
   * @param target {@code vm} or {@code vcpu}
   * @param capability its number
   * @param argument the first argument
   * @return false where the host's file does not say
   * @throws KvmException what the file says, or EINVAL for an argument that it does not allow
   */
  static boolean enable(Host host, String target, int capability, long argument)
      throws KvmException {
    String key = "enable." + target + "." + capability;
    String allowed = host.text(key, "");
    boolean right =
        switch (allowed) {
          case "" -> false;
          case "any" -> true;
          case "u32" -> argument >>> Integer.SIZE == 0;
          default -> {
            if (Character.isLetter(allowed.charAt(0))) {
              throw new KvmException(
                  host.errno(key, Errno.EINVAL),
                  "capability %d is refused by this host",
                  capability);
            }
            yield host.numbers(key).contains(argument);
          }
        };
    if (!right && !allowed.isEmpty()) {
      throw new KvmException(
          Errno.EINVAL, "capability %d cannot be enabled with argument %#x", capability, argument);
    }
    return right;
  }
}
