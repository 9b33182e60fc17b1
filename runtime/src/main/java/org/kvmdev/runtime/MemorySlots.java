package org.kvmdev.runtime;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.GuestMemory;

/** A guest's memory slots, in an array that is replaced, never changed. */
final class MemorySlots implements GuestMemory {
  /** KVM_MEM_READONLY. */
  static final int READ_ONLY = 2;

  private static final int LOG_DIRTY_PAGES = 1;
  private static final long PAGE = 4096;

  /** The kernel's KVM_USER_MEM_SLOTS: all that a short can number, less its own three. */
  private static final int MOST_SLOTS = 32764;

  private volatile Slot[] slots = {};

  private record Slot(
      int number, int flags, long base, long size, UserMemory memory, long userAddress) {}

  /** KVM_SET_USER_MEMORY_REGION, with the VM's lock held. */
  void set(int number, int flags, long base, long size, UserMemory memory, long userAddress)
      throws KvmException {
    if ((flags & ~(LOG_DIRTY_PAGES | READ_ONLY)) != 0) {
      throw new KvmException(Errno.EINVAL, "memory slot flags %#x: only 1 and 2 exist", flags);
    }
    if ((base | size | userAddress) % PAGE != 0) {
      throw new KvmException(
          Errno.EINVAL, "memory slot of %#x bytes at %#x: pages are 4096 bytes", size, base);
    }
    if (number >>> 16 != 0 || number >= MOST_SLOTS) {
      throw new KvmException(
          Errno.EINVAL, "memory slot %d: the highest number is %d", number, MOST_SLOTS - 1);
    }
    if (Long.compareUnsigned(base + size, base) < 0) {
      throw new KvmException(
          Errno.EINVAL, "memory slot of %#x bytes at %#x reaches beyond 2^64", size, base);
    }
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
              || ((old.flags ^ flags) & READ_ONLY) != 0)) {
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
      next.add(new Slot(number, flags, base, size, memory, userAddress));
      next.sort((one, other) -> Long.compareUnsigned(one.base, other.base));
    }
    slots = next.toArray(Slot[]::new);
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
      int step = (int) Math.min(left, PAGE - (where & PAGE - 1));
      try {
        if (out) {
          slot.memory.write(slot.userAddress + offset, bytes, index, step);
        } else {
          slot.memory.read(slot.userAddress + offset, bytes, index, step);
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
