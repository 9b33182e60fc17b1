package org.kvmdev.devices.mpic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.Vcpu;

/**
 * An e500's TLB as its client sees it: two mappings to begin with; later an array in the client's
 * memory (KVM_CAP_SW_TLB; Documentation/virt/kvm/api.rst, 6.3), whose entries hold the MMU assist
 * registers MAS8, MAS1, MAS2, MAS7_3.
 */
final class SoftwareTlb {
  private static final int ENTRY = 24;
  private static final int MAS1 = 4;
  private static final int MAS2 = 8;
  private static final int MAS7_3 = 16;
  private static final long VALID = 0x8000_0000L;
  private static final long PAGE = 0xfff;

  /** Of the second TLB, which is fully associative. */
  private static final int MOST_ENTRIES = 64;

  /** TLBnCFG: entries in 11:0, ways in 31:24. */
  private static final long CONFIGURED = 0xff00_0fffL;

  private static final KvmException BAD_TYPE =
      KvmException.constant(Errno.EINVAL, "KVM_CAP_SW_TLB: the host's MMU is of type 0");
  private static final KvmException BAD_SIZES =
      KvmException.constant(
          Errno.EINVAL,
          "KVM_CAP_SW_TLB: two TLBs; the first's ways and sets are powers of 2, the second has as"
              + " many ways as entries and at most 64; the array holds all");

  private @Nullable UserMemory memory;
  private long array;
  private int entries;

  /** KVM_ENABLE_CAP of KVM_CAP_SW_TLB. */
  void configure(Vcpu vcpu, UserMemory from, long address, long word) throws KvmException {
    from.read(address, new byte[24], 0, 24);
    long params = from.readNumber(address, 8) & word;
    long where = from.readNumber(address + 8, 8) & word;
    if (from.readNumber(address + 16, 4) != 0) {
      throw BAD_TYPE;
    }
    long room = from.readNumber(address + 20, 4);
    from.read(params, new byte[64], 0, 64);
    long[] sizes = new long[4];
    long[] ways = new long[4];
    for (int i = 0; i < 4; i++) {
      sizes[i] = from.readNumber(params + 4L * i, 4);
      ways[i] = from.readNumber(params + 16 + 4L * i, 4);
    }
    if (sizes[1] > MOST_ENTRIES
        || ways[1] != sizes[1]
        || (sizes[2] | sizes[3] | ways[2] | ways[3]) != 0
        || Long.bitCount(ways[0]) != 1
        || Long.bitCount(sizes[0] / ways[0]) != 1
        || room < (sizes[0] + sizes[1]) * ENTRY) {
      throw BAD_SIZES;
    }
    int count = (int) (sizes[0] + sizes[1]);
    for (long at = 0; at < (long) count * ENTRY; at += PAGE + 1) {
      from.readNumber(where + at, 1);
    }
    memory = from;
    array = where;
    entries = count;
    configure(vcpu, "TLB0CFG", sizes[0], ways[0]);
    configure(vcpu, "TLB1CFG", sizes[1], ways[1]);
  }

  private static void configure(Vcpu vcpu, String register, long entries, long ways) {
    long old = vcpu.registers().get(register);
    vcpu.registers().set(register, old & ~CONFIGURED | entries & 0xfff | ways << 24);
  }

  /** What {@link #translate} answers where nothing maps an address. */
  static final long UNMAPPED = -1;

  /**
   * Translates an address.
   *
   * @param address the effective address; above it, its process and its address space
   * @return the guest physical address, or {@link #UNMAPPED}
   */
  long translate(long address) throws KvmException {
    UserMemory from = memory;
    if (from == null) {
      long found = translate(address, VALID | 18 << 7, 0, 0);
      return found != UNMAPPED
          ? found
          : translate(address, VALID | 2 << 7, 0xe000_4000L, 0xe000_4000L);
    }
    for (int i = 0; i < entries; i++) {
      long entry = array + (long) i * ENTRY;
      long found =
          translate(
              address,
              from.readNumber(entry + MAS1, 4),
              from.readNumber(entry + MAS2, 8),
              from.readNumber(entry + MAS7_3, 8));
      if (found != UNMAPPED) {
        return found;
      }
    }
    return UNMAPPED;
  }

  private static long translate(long address, long mas1, long mas2, long mas73) {
    long effective = address & 0xffff_ffffL;
    long process = address >>> 32 & 0xff;
    long space = address >>> 40 & 1;
    long owner = mas1 >>> 16 & 0x3fff;
    long size = 1024L << (mas1 >>> 7 & 0x1f);
    long begin = mas2 & ~PAGE & 0xffff_ffffL;
    if ((mas1 & VALID) == 0
        || owner != 0 && owner != process
        || (mas1 >>> 12 & 1) != space
        || effective < begin
        || effective >= begin + size) {
      return UNMAPPED;
    }
    return mas73 & ~PAGE & -size | effective & size - 1;
  }
}
