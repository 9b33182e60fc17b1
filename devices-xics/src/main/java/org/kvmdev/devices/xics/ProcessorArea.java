package org.kvmdev.devices.xics;

import java.util.Set;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/**
 * The areas of memory that a virtual processor shares with its hypervisor, as a client registers
 * them: the virtual processor area, the shadow of its segment look-aside buffer, the dispatch trace
 * log (Power Architecture Platform Requirements, 14.11.1).
 */
final class ProcessorArea {
  /** KVM_REG_PPC_VPA_ADDR: 64 bits. */
  static final long AREA = 0x1030_0000_0000_0082L;

  /** KVM_REG_PPC_VPA_SLB: an address, and a length above it. */
  static final long SHADOW = 0x1040_0000_0000_0083L;

  /** KVM_REG_PPC_VPA_DTL: the same. */
  static final long LOG = 0x1040_0000_0000_0084L;

  /** The registers. */
  static final Set<Long> IDS = Set.of(AREA, SHADOW, LOG);

  /** A cache line. */
  private static final int ALIGNMENT = 128;

  /** The dispatch trace log's entries. */
  private static final int LOG_ENTRY = 48;

  private static final KvmException IN_USE =
      KvmException.constant(
          Errno.EINVAL,
          "the processor's area goes last: take its SLB shadow and its log away first");
  private static final KvmException NO_AREA =
      KvmException.constant(
          Errno.EINVAL, "the processor has no area yet: register it before its shadow and its log");

  private long area;
  private long shadow;
  private long shadowLength;
  private long log;
  private long logLength;

  /** An area's address. */
  long address(long id) {
    return id == AREA ? area : id == SHADOW ? shadow : log;
  }

  /** An area's length. */
  long length(long id) {
    return id == SHADOW ? shadowLength : id == LOG ? logLength : 0;
  }

  void set(long id, long address, long length) throws KvmException {
    if (id == AREA) {
      if (address == 0 && (shadow | log) != 0) {
        throw IN_USE;
      }
    } else {
      if (address != 0 && area == 0) {
        throw NO_AREA;
      }
      if (id == LOG && address != 0 && Long.compareUnsigned(length, LOG_ENTRY) < 0) {
        throw new KvmException(
            Errno.EINVAL, "a dispatch trace log of %d bytes: an entry has %d", length, LOG_ENTRY);
      }
    }
    if (address % ALIGNMENT != 0) {
      throw new KvmException(
          Errno.EINVAL, "an area at %#x: it is aligned to %d bytes", address, ALIGNMENT);
    }
    long kept = address == 0 ? 0 : length;
    if (id == AREA) {
      area = address;
    } else if (id == SHADOW) {
      shadow = address;
      shadowLength = kept;
    } else {
      log = address;
      logLength = kept - Long.remainderUnsigned(kept, LOG_ENTRY);
    }
  }
}
