package org.kvmdev.runtime.ioctl;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.HostTables.Structure;
import org.kvmdev.api.KvmException;

/**
 * A request that a host's tables answer.
 *
 * @param number its encoded number
 * @param size the size of its structure, in bytes
 * @param structure the structure that it copies; null where it is refused
 * @param in whether the structure is copied in
 * @param refusal what it is refused with; null where it is not
 */
record HostRequest(
    int number,
    int size,
    @Nullable Structure structure,
    boolean in,
    @Nullable KvmException refusal) {

  /** The structure without fields: the same on every VM. */
  byte[] constant() {
    byte[] bytes = new byte[size];
    if (structure != null) {
      structure
          .data()
          .forEach((offset, data) -> System.arraycopy(data, 0, bytes, offset, data.length));
    }
    return bytes;
  }

  /** Refuses the request, if it is one of those: once its structure was read. */
  void requireAnswer(CallerMemory memory, long argument) throws KvmException {
    if (refusal != null) {
      if (in) {
        memory.requireReadable(argument, size);
      }
      throw refusal;
    }
  }
}
