package org.kvmdev.runtime;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.GuestMemory;

/** A guest's memory slots, in an array that is replaced, never changed. */
final class MemorySlots implements GuestMemory {
  /** KVM_MEM_READONLY. */
  static final int READ_ONLY = 2;

  private static final int LOG_DIRTY_PAGES = 1;

  /** KVM_MEM_MAX_NR_PAGES. */
  private static final long MOST_PAGES = (1L << 31) - 1;

  private final int flags;
  private final long page;
  private final int most;
  private final long word;
  private final long userEnd;
  private final int guestBits;

  private volatile Slot[] slots = {};

  private record Slot(
      int number, int flags, long base, long size, UserMemory memory, long userAddress) {}

  /**
   * No slots yet.
   *
   * @param host says how large pages and addresses are
   * @param type the VM's type, which on some hosts says how large guest addresses are
   */
  MemorySlots(Host host, long type) {
    flags = host.number("cap.81", 0) == 0 ? LOG_DIRTY_PAGES : LOG_DIRTY_PAGES | READ_ONLY;
    page = host.number("page.size", 4096);
    most = (int) host.number("cap.10", 32764);
    word = -1L >>> 64 - host.number("word.bits", 64);
    userEnd = host.number("user.end", -1);
    long typeBits = type & host.number("guest.bits.type", 0);
    guestBits = (int) (typeBits != 0 ? typeBits : host.number("guest.bits", 64));
  }

  /** KVM_SET_USER_MEMORY_REGION, with the VM's lock held, in the kernel's order of checks. */
  void set(int number, int slotFlags, long base, long size, UserMemory memory, long userAddress)
      throws KvmException {
    check(number, slotFlags, base, size, userAddress & word);
    List<Slot> next = new ArrayList<>(List.of(slots));
    Slot old = next.stream().filter(slot -> slot.number == number).findAny().orElse(null);
    if (size == 0) {
      if (old == null) {
        throw new KvmException(Errno.EINVAL, "memory slot %d does not exist", number);
      }
      next.remove(old);
    } else {
      if (old != null
          && (old.size != size
              || old.userAddress != userAddress
              || ((old.flags ^ slotFlags) & READ_ONLY) != 0)) {
        throw new KvmException(
            Errno.EINVAL,
            "memory slot %d exists with another size, user address or access; remove it first",
            number);
      }
      next.remove(old);
      for (Slot slot : next) {
        if (Long.compareUnsigned(base, slot.base + slot.size - 1) <= 0
            && Long.compareUnsigned(slot.base, base + size - 1) <= 0) {
          throw new KvmException(
              Errno.EEXIST, "memory slot %d overlaps slot %d", number, slot.number);
        }
      }
      if (guestBits < 64 && base + size - 1 >>> guestBits != 0) {
        throw new KvmException(
            Errno.EFAULT, "memory slot %d: guest addresses have %d bits", number, guestBits);
      }
      next.add(new Slot(number, slotFlags, base, size, memory, userAddress));
      next.sort((one, other) -> Long.compareUnsigned(one.base, other.base));
    }
    slots = next.toArray(Slot[]::new);
  }

  private void check(int number, int slotFlags, long base, long size, long userAddress)
      throws KvmException {
    if ((slotFlags & ~flags) != 0) {
      throw new KvmException(
          Errno.EINVAL, "memory slot flags %#x: this host has %#x", slotFlags, flags);
    }
    if ((base | size | userAddress) % page != 0) {
      throw new KvmException(
          Errno.EINVAL, "memory slot of %#x bytes: pages are of %d bytes", size, page);
    }
    if (Long.compareUnsigned(size, userEnd) > 0
        || Long.compareUnsigned(userAddress, userEnd - size) > 0) {
      throw new KvmException(
          Errno.EINVAL, "user memory at %#x: a process has it up to %#x", userAddress, userEnd);
    }
    if (number >>> 16 != 0 || number >= most) {
      throw new KvmException(
          Errno.EINVAL, "memory slot %d: the highest number is %d", number, most - 1);
    }
    if (Long.compareUnsigned(base + size, base) < 0) {
      throw new KvmException(
          Errno.EINVAL, "memory slot of %#x bytes at %#x reaches beyond 2^64", size, base);
    }
    if (Long.compareUnsigned(size, MOST_PAGES * page) > 0) {
      throw new KvmException(
          Errno.EINVAL, "memory slot of %#x bytes: the most is %#x", size, MOST_PAGES * page);
    }
  }

  @Override
  public boolean read(long address, byte[] to, int at, int length) {
    return copy(address, to, at, length, false);
  }

  @Override
  public boolean write(long address, byte[] from, int at, int length) {
    return copy(address, from, at, length, true);
  }

  @Override
  public boolean isMapped(long address) {
    return find(slots, address) != null;
  }

  private boolean copy(long address, byte[] bytes, int at, int length, boolean out) {
    Slot[] all = slots;
    long where = address;
    int index = at;
    int left = length;
    while (left > 0) {
      Slot slot = find(all, where);
      if (slot == null || out && (slot.flags & READ_ONLY) != 0) {
        return false;
      }
      long offset = where - slot.base;
      int step = (int) Math.min(left, page - (where & page - 1));
      try {
        if (out) {
          slot.memory.write(slot.userAddress + offset & word, bytes, index, step);
        } else {
          slot.memory.read(slot.userAddress + offset & word, bytes, index, step);
        }
      } catch (KvmException fault) {
        return false;
      }
      where += step;
      index += step;
      left -= step;
    }
    return true;
  }

  private static @Nullable Slot find(Slot[] all, long address) {
    int low = 0;
    int high = all.length - 1;
    while (low <= high) {
      int middle = low + high >>> 1;
      Slot slot = all[middle];
      if (Long.compareUnsigned(address, slot.base) < 0) {
        high = middle - 1;
      } else if (Long.compareUnsigned(address - slot.base, slot.size) >= 0) {
        low = middle + 1;
      } else {
        return slot;
      }
    }
    return null;
  }
}
