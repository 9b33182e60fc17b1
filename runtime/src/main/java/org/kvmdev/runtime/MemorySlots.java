package org.kvmdev.runtime;

import java.nio.ByteOrder;
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

  private final int wordBits;
  private final boolean bigEndian;

  private volatile Slot[] slots = {};

  /** KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE: reading the log leaves it as it is. */
  private volatile boolean manualProtect;

  /** KVM_DIRTY_LOG_INITIALLY_SET. */
  private volatile boolean initiallySet;

  private record Slot(
      int number,
      int flags,
      long base,
      long size,
      UserMemory memory,
      long userAddress,
      @Nullable DirtyLog dirty) {}

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
    wordBits = (int) host.number("word.bits", 64);
    word = -1L >>> 64 - wordBits;
    bigEndian = host.byteOrder() == ByteOrder.BIG_ENDIAN;
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
      DirtyLog dirty = old == null ? null : old.dirty;
      if ((slotFlags & LOG_DIRTY_PAGES) == 0) {
        dirty = null;
      } else if (dirty == null) {
        dirty = new DirtyLog((int) (size / page), initiallySet);
      }
      next.add(new Slot(number, slotFlags, base, size, memory, userAddress, dirty));
      next.sort((one, other) -> Long.compareUnsigned(one.base, other.base));
    }
    slots = next.toArray(Slot[]::new);
  }

  /** KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2: 1 or 3. */
  void manualProtect(long modes) {
    manualProtect = (modes & 1) != 0;
    initiallySet = (modes & 2) != 0;
  }

  /** KVM_GET_DIRTY_LOG: a bit for each page, in the kernel's words; read, the log is empty. */
  byte[] dirtyLog(int number) throws KvmException {
    DirtyLog log = logOf(number);
    byte[] bitmap = new byte[DirtyLog.bytes(log.pages(), wordBits)];
    for (int at = 0; at < log.pages(); at++) {
      if (log.isDirty(at)) {
        bitmap[byteOf(at)] |= (byte) (1 << (at & 7));
      }
    }
    if (!manualProtect) {
      for (int at = 0; at < log.pages(); at++) {
        log.clear(at);
      }
    }
    return bitmap;
  }

  /**
   * KVM_CLEAR_DIRTY_LOG.
   *
   * @param number the slot
   * @param first the first page, a multiple of 64
   * @param count how many; to the end, or a multiple of 64
   * @param memory where the bitmap is
   * @param address its address
   */
  void clearDirtyLog(int number, long first, int count, UserMemory memory, long address)
      throws KvmException {
    if ((first & 63) != 0) {
      throw new KvmException(Errno.EINVAL, "page %d: the first one is a multiple of 64", first);
    }
    DirtyLog log = logOf(number);
    long left = log.pages() - first;
    long pages = Integer.toUnsignedLong(count);
    if (Long.compareUnsigned(first, log.pages()) > 0
        || pages > left
        || pages < left && (pages & 63) != 0) {
      throw new KvmException(Errno.EINVAL, "%d pages from %d on: the slot has less", pages, first);
    }
    byte[] bitmap = new byte[(int) ((pages + 63) / 64 * 8)];
    memory.read(address, bitmap, 0, bitmap.length);
    for (int at = 0; at < pages; at++) {
      if ((bitmap[byteOf(at)] >>> (at & 7) & 1) != 0) {
        log.clear((int) first + at);
      }
    }
  }

  /** Where in a bitmap of the kernel's words a page's bit is. */
  private int byteOf(int at) {
    int inWord = at % wordBits / 8;
    return at / wordBits * (wordBits / 8) + (bigEndian ? wordBits / 8 - 1 - inWord : inWord);
  }

  private DirtyLog logOf(int number) throws KvmException {
    if (number >>> 16 != 0 || number >= most) {
      throw new KvmException(
          Errno.EINVAL, "memory slot %d: the highest number is %d", number, most - 1);
    }
    for (Slot slot : slots) {
      if (slot.number == number && slot.dirty != null) {
        return slot.dirty;
      }
    }
    throw new KvmException(
        Errno.ENOENT, "memory slot %d does not exist, or does not log dirty pages", number);
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
      if (out && slot.dirty != null) {
        slot.dirty.mark((int) (offset / page));
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
