package org.kvmdev.devices.xics;

import java.util.concurrent.atomic.AtomicLongArray;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;

/**
 * Which hypercalls a VM's client lets KVM answer (KVM_CAP_PPC_ENABLE_HCALL). Those of the XICS are
 * enabled to begin with. The client may switch whatever its host's KVM has, also what is not
 * answered here.
 */
final class EnabledHypercalls {
  /** The host's key for the numbers of the hypercalls that its KVM has. */
  private static final String KEY = "papr.hypercalls";

  private final long[] switchable = new long[(int) Hypercall.MAX_OPCODE / 4 / Long.SIZE + 1];
  private final AtomicLongArray enabled = new AtomicLongArray(switchable.length);

  EnabledHypercalls(Host host) {
    for (long number : host.numbers(KEY)) {
      switchable[word(number)] |= bit(number);
    }
    for (Hypercall call : Hypercall.values()) {
      if (call.number <= Hypercall.MAX_OPCODE) {
        enabled.set(word(call.number), enabled.get(word(call.number)) | bit(call.number));
      }
    }
  }

  /** Whether a call of a number up to {@link Hypercall#MAX_OPCODE} is enabled. */
  boolean has(int number) {
    return (enabled.get(word(number)) & bit(number)) != 0;
  }

  /**
   * Enables or disables a hypercall.
   *
   * @param number its number
   * @param value 1 or 0
   * @throws KvmException EINVAL where the host's KVM has no such hypercall, or for another value
   */
  void set(long number, long value) throws KvmException {
    if (Long.compareUnsigned(number, Hypercall.MAX_OPCODE) > 0
        || (number & 3) != 0
        || (switchable[word(number)] & bit(number)) == 0) {
      throw new KvmException(Errno.EINVAL, "%#x is no hypercall that this host's KVM has", number);
    }
    if (value == 1) {
      enabled.accumulateAndGet(word(number), bit(number), (old, bit) -> old | bit);
    } else if (value == 0) {
      enabled.accumulateAndGet(word(number), bit(number), (old, bit) -> old & ~bit);
    } else {
      throw new KvmException(
          Errno.EINVAL,
          "hypercall %#x is enabled by 1 and disabled by 0, not by %d",
          number,
          value);
    }
  }

  private static int word(long number) {
    return (int) number >>> 8;
  }

  private static long bit(long number) {
    return 1L << (number >>> 2);
  }
}
