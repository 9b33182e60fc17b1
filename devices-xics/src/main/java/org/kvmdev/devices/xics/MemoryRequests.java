package org.kvmdev.devices.xics;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.FileRequests;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.MadeFile;
import org.kvmdev.api.machine.Requests;
import org.kvmdev.api.machine.Vcpu;
import org.kvmdev.api.machine.VcpuLifecycle;

/**
 * A partition's requests about memory: radix translation, the file of the hashed page table, which
 * is empty here, and the tables of DMA windows.
 */
final class MemoryRequests implements Requests, FileRequests, VcpuLifecycle {
  private static final int CONFIGURE_V3_MMU = 0x8010_aeaf;
  private static final int GET_HTAB_FD = 0x8020_aeaa;
  private static final int CREATE_SPAPR_TCE = 0x8010_aea8;
  private static final int CREATE_SPAPR_TCE_64 = 0x8020_aea8;

  /** KVM_PPC_MMUV3_RADIX. */
  private static final long RADIX = 1;

  /** KVM_PPC_MMUV3_GTSE. */
  private static final long GUEST_INVALIDATES = 2;

  /** A partition table entry of a radix guest. */
  private static final long RADIX_TABLE = 1L << 63;

  /** A process table's size, as a power of 2 above 4 KiB. */
  private static final long TABLE_SIZE = 0x1f;

  private static final int MOST_TABLE_SIZE = 24;

  /** LPCR[GTSE]. */
  private static final long LPCR_GUEST_INVALIDATES = 0x400;

  private static final int HTAB_READ_ONLY = 1;
  private static final int HTAB_WRITE = 2;

  private static final int SMALLEST_PAGE = 12;

  /** An entry of a DMA window's table, in bytes. */
  private static final int ENTRY = 8;

  /** A window with more pages than that has a table that no memory holds. */
  private static final long MOST_MAPPABLE = 1L << 32;

  private static final int LARGEST_PAGE = 34;

  private static final KvmException BAD_TABLE =
      KvmException.constant(
          Errno.EINVAL, "the host has radix guests alone: flags 1 or 3, and such a process table");
  private static final KvmException WINDOW_TAKEN =
      KvmException.constant(Errno.EBUSY, "the DMA window has a table already");
  private static final KvmException HASHED_TABLE =
      KvmException.constant(Errno.EINVAL, "the guest has no hashed page table to write");

  private final Machine machine;
  private @Nullable Long guestInvalidates;

  /** The DMA windows that have a table, by their number; guarded by itself. */
  private final Map<Long, DmaTable> windows = new HashMap<>();

  MemoryRequests(Machine machine) {
    this.machine = machine;
  }

  @Override
  public List<Integer> requests(Target target) {
    return target == Target.VM ? List.of(CONFIGURE_V3_MMU) : List.of();
  }

  @Override
  public List<Integer> fileRequests(Target target) {
    return target == Target.VM
        ? List.of(GET_HTAB_FD, CREATE_SPAPR_TCE, CREATE_SPAPR_TCE_64)
        : List.of();
  }

  /** KVM_PPC_CONFIGURE_V3_MMU. */
  @Override
  public long ioctl(int request, @Nullable Vcpu vcpu, UserMemory memory, long argument)
      throws KvmException {
    memory.read(argument, new byte[16], 0, 16);
    long flags = memory.readNumber(argument, 8);
    long table = memory.readNumber(argument + 8, 8);
    if ((flags & ~(RADIX | GUEST_INVALIDATES)) != 0
        || (flags & RADIX) == 0
        || (table & RADIX_TABLE) == 0
        || (table & TABLE_SIZE) > MOST_TABLE_SIZE) {
      throw BAD_TABLE;
    }
    guestInvalidates = (flags & GUEST_INVALIDATES) == 0 ? 0 : LPCR_GUEST_INVALIDATES;
    for (int index = 0; index < machine.vcpuCount(); index++) {
      configure(machine.vcpu(index));
    }
    return 0;
  }

  private void configure(Vcpu vcpu) {
    Long bit = guestInvalidates;
    if (bit != null && vcpu.registers().has("LPCR")) {
      long lpcr = vcpu.registers().get("LPCR");
      vcpu.registers().set("LPCR", lpcr & ~LPCR_GUEST_INVALIDATES | bit);
    }
  }

  @Override
  public void created(Vcpu vcpu) {
    configure(vcpu);
  }

  @Override
  public MadeFile open(int request, @Nullable Vcpu vcpu, UserMemory memory, long argument)
      throws KvmException {
    return switch (request) {
      case GET_HTAB_FD -> {
        memory.read(argument, new byte[32], 0, 32);
        long flags = memory.readNumber(argument, 8);
        if ((flags & ~(HTAB_READ_ONLY | HTAB_WRITE)) != 0) {
          throw new KvmException(Errno.EINVAL, "KVM_PPC_GET_HTAB_FD flags %#x: 0 to 3", flags);
        }
        yield new HashedTable((flags & HTAB_WRITE) != 0);
      }
      case CREATE_SPAPR_TCE -> {
        memory.read(argument, new byte[16], 0, 16);
        yield window(
            memory.readNumber(argument, 8),
            SMALLEST_PAGE,
            0,
            memory.readNumber(argument + 8, 4) >>> SMALLEST_PAGE);
      }
      default -> {
        memory.read(argument, new byte[32], 0, 32);
        long flags = memory.readNumber(argument + 12, 4);
        if (flags != 0) {
          throw new KvmException(Errno.EINVAL, "KVM_CREATE_SPAPR_TCE_64 flags %#x: 0", flags);
        }
        yield window(
            memory.readNumber(argument, 8),
            (int) memory.readNumber(argument + 8, 4),
            memory.readNumber(argument + 16, 8),
            memory.readNumber(argument + 24, 8));
      }
    };
  }

  private DmaTable window(long number, int pageShift, long offset, long size) throws KvmException {
    if (size == 0
        || pageShift < SMALLEST_PAGE
        || pageShift > LARGEST_PAGE
        || Long.compareUnsigned(offset + size, -1L >>> pageShift) > 0) {
      throw new KvmException(
          Errno.EINVAL, "a DMA window of %d pages of 2^%d bytes: too few or many", size, pageShift);
    }
    synchronized (windows) {
      if (windows.containsKey(number)) {
        throw WINDOW_TAKEN;
      }
      DmaTable made = new DmaTable(number, size);
      windows.put(number, made);
      return made;
    }
  }

  /** The guest's hashed page table: it has none, so there is nothing to read. */
  private record HashedTable(boolean isWritable) implements MadeFile {
    @Override
    public String name() {
      return "kvm-htab";
    }

    @Override
    public boolean isReadable() {
      return !isWritable;
    }

    @Override
    public int read(byte[] to) {
      return 0;
    }

    @Override
    public int write(byte[] from) throws KvmException {
      throw HASHED_TABLE;
    }
  }

  /** The table of a DMA window, which its client maps: entries of 8 bytes, 0 to begin with. */
  private final class DmaTable implements MadeFile, DeviceOps.Mapping {
    private static final KvmException NO_STREAM =
        KvmException.constant(Errno.EINVAL, "a DMA window's table is mapped, not read or written");

    private final long number;

    /** How many pages the window has; each has an entry. */
    private final long pages;

    /** The bytes that are not 0, by offset; guarded by itself. */
    private final Map<Long, Byte> bytes = new HashMap<>();

    DmaTable(long number, long pages) {
      this.number = number;
      this.pages = pages;
    }

    @Override
    public String name() {
      return "kvm-spapr-tce";
    }

    @Override
    public boolean isReadable() {
      return true;
    }

    @Override
    public boolean isWritable() {
      return true;
    }

    @Override
    public int read(byte[] to) throws KvmException {
      throw NO_STREAM;
    }

    @Override
    public int write(byte[] from) throws KvmException {
      throw NO_STREAM;
    }

    @Override
    public DeviceOps.Mapping mmap(long offset, long length) {
      return this;
    }

    @Override
    public long mappable() {
      return pages <= MOST_MAPPABLE ? pages * ENTRY : 0;
    }

    @Override
    public long load(long offset, int size) {
      long value = 0;
      synchronized (bytes) {
        for (int i = 0; i < size; i++) {
          value |= (bytes.getOrDefault(offset + i, (byte) 0) & 0xffL) << 8 * i;
        }
      }
      return value;
    }

    @Override
    public void store(long offset, int size, long value) {
      synchronized (bytes) {
        for (int i = 0; i < size; i++) {
          byte each = (byte) (value >>> 8 * i);
          if (each == 0) {
            bytes.remove(offset + i);
          } else {
            bytes.put(offset + i, each);
          }
        }
      }
    }

    @Override
    public void close() {
      synchronized (windows) {
        windows.remove(number);
      }
    }
  }
}
