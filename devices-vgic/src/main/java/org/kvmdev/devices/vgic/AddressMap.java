package org.kvmdev.devices.vgic;

import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Machine;

/** Where a GIC's distributor and, on GICv2, its CPU interface are, in guest physical addresses. */
final class AddressMap {
  /** An address that was not set. */
  static final long UNSET = -1;

  static final long V2_DISTRIBUTOR_SIZE = 0x1000;
  static final long V2_CPU_INTERFACE_SIZE = 0x2000;
  static final long V3_DISTRIBUTOR_SIZE = 0x1_0000;
  static final long V2_ALIGNMENT = 0x1000;
  static final long V3_ALIGNMENT = 0x1_0000;

  private static final int DEFAULT_ADDRESS_BITS = 40;

  private static final KvmException NOT_SET =
      KvmException.constant(
          Errno.ENXIO, "the GIC's addresses are not all set: set each before the first run");
  private static final KvmException OVERLAP =
      KvmException.constant(Errno.EINVAL, "the distributor and the CPU interface overlap");

  private final int addressBits;
  private long distributor = UNSET;
  private long cpuInterface = UNSET;

  AddressMap(Machine machine) {
    int bits = (int) (machine.type() & machine.host().number("guest.bits.type", 0xff));
    addressBits =
        bits == 0 ? (int) machine.host().number("guest.bits", DEFAULT_ADDRESS_BITS) : bits;
  }

  synchronized long distributor() {
    return distributor;
  }

  synchronized long cpuInterface() {
    return cpuInterface;
  }

  synchronized void distributor(long base, long alignment, long size) throws KvmException {
    check(distributor, base, alignment, size);
    distributor = base;
  }

  synchronized void cpuInterface(long base) throws KvmException {
    check(cpuInterface, base, V2_ALIGNMENT, V2_CPU_INTERFACE_SIZE);
    cpuInterface = base;
  }

  /**
   * Whether a range can be taken.
   *
   * @param now what is set already
   * @param base the range's begin
   * @param alignment of both its ends
   * @param size its length
   * @throws KvmException EEXIST, EINVAL or E2BIG
   */
  void check(long now, long base, long alignment, long size) throws KvmException {
    if (now != UNSET) {
      throw new KvmException(Errno.EEXIST, "the address is set already, to %#x", now);
    }
    if (((base | size) & (alignment - 1)) != 0) {
      throw new KvmException(Errno.EINVAL, "%#x is not aligned to %#x", base, alignment);
    }
    if (Long.compareUnsigned(base + size, base) < 0) {
      throw new KvmException(Errno.EINVAL, "%#x is at the end of all addresses", base);
    }
    if (base >>> addressBits != 0 || Long.compareUnsigned(base + size, 1L << addressBits) > 0) {
      throw new KvmException(
          Errno.E2BIG, "%#x is beyond the guest's addresses of %d bits", base, addressBits);
    }
  }

  /** What a GICv2 needs before its first run. */
  synchronized void checkV2() throws KvmException {
    if (distributor == UNSET || cpuInterface == UNSET) {
      throw NOT_SET;
    }
    if (distributor + V2_DISTRIBUTOR_SIZE > cpuInterface
        && cpuInterface + V2_CPU_INTERFACE_SIZE > distributor) {
      throw OVERLAP;
    }
  }

  /** That the distributor's address is set. */
  void requireDistributor() throws KvmException {
    if (distributor() == UNSET) {
      throw NOT_SET;
    }
  }
}
