package org.kvmdev.runtime;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.MmioBus.Region;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Vcpu;

/** Guest addresses whose stores signal an event, without an exit (KVM_IOEVENTFD). */
final class Doorbells {
  /** KVM_IOEVENTFD_FLAG_DATAMATCH. */
  static final int DATAMATCH = 1;

  /** KVM_IOEVENTFD_FLAG_PIO. */
  static final int PIO = 2;

  /** KVM_IOEVENTFD_FLAG_DEASSIGN. */
  static final int DEASSIGN = 4;

  /** KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY. */
  static final int CCW = 8;

  /** The flags above, and the internal one of fast MMIO, which Linux takes too. */
  static final int FLAGS = 0x1f;

  private static final int WIDEST = 8;

  private static final KvmException TAKEN =
      KvmException.constant(
          Errno.EEXIST, "KVM_IOEVENTFD: the address and length have an eventfd; deassign it first");
  private static final KvmException NONE =
      KvmException.constant(
          Errno.ENOENT, "KVM_IOEVENTFD: nothing to deassign has this eventfd, address and match");

  private final Bus bus;

  /** Guarded by this. */
  private final List<Doorbell> doorbells = new ArrayList<>();

  Doorbells(Bus bus) {
    this.bus = bus;
  }

  /** The checks that come before the descriptor is looked at. */
  static void check(long address, int length, int flags) throws KvmException {
    boolean widths = length == 0 || length == 1 || length == 2 || length == 4 || length == 8;
    if (!widths) {
      throw new KvmException(
          Errno.EINVAL, "KVM_IOEVENTFD of %d bytes: 0 for any, or 1, 2, 4, 8", length);
    }
    if (Long.compareUnsigned(address + length, address) < 0) {
      throw new KvmException(
          Errno.EINVAL, "KVM_IOEVENTFD of %d bytes at %#x wraps round", length, address);
    }
    if ((flags & ~FLAGS) != 0) {
      throw new KvmException(Errno.EINVAL, "KVM_IOEVENTFD flags %#x: there are 0x1f", flags);
    }
    if (length == 0 && (flags & DATAMATCH) != 0) {
      throw new KvmException(
          Errno.EINVAL, "KVM_IOEVENTFD of any length cannot match data (flags %#x)", flags);
    }
  }

  synchronized void assign(Event event, long address, int length, int flags, long data)
      throws KvmException {
    Doorbell made = new Doorbell(event, address, length, flags, data);
    for (Doorbell other : doorbells) {
      if (other.collidesWith(made)) {
        throw TAKEN;
      }
    }
    if (made.bus() == 0) {
      // Any width that fits: the doorbell itself looks at the length. At the top less fits.
      long room = address < 0 && address > -WIDEST ? -address : WIDEST;
      made.region = bus.add(address, room, made);
    }
    doorbells.add(made);
  }

  synchronized void deassign(Event event, long address, int length, int flags, long data)
      throws KvmException {
    Doorbell wanted = new Doorbell(event, address, length, flags, data);
    for (Doorbell each : doorbells) {
      if (each.isSameAs(wanted)) {
        doorbells.remove(each);
        if (each.region != null) {
          bus.remove(each.region);
        }
        return;
      }
    }
    throw NONE;
  }

  private static final class Doorbell implements MmioHandler {
    final Event event;
    final long address;
    final int length;
    final int flags;
    final long data;
    @Nullable Region region;

    Doorbell(Event event, long address, int length, int flags, long data) {
      this.event = event;
      this.address = address;
      this.length = length;
      this.flags = flags;
      this.data = data;
    }

    /** Which of the buses it is on; there are no accesses to others than the MMIO bus, 0. */
    int bus() {
      return flags & (PIO | CCW);
    }

    private boolean matchesData() {
      return (flags & DATAMATCH) != 0;
    }

    boolean collidesWith(Doorbell other) {
      return bus() == other.bus()
          && address == other.address
          && (length == 0
              || other.length == 0
              || length == other.length
                  && (!matchesData() || !other.matchesData() || data == other.data));
    }

    boolean isSameAs(Doorbell other) {
      return bus() == other.bus()
          && event.equals(other.event)
          && address == other.address
          && length == other.length
          && matchesData() == other.matchesData()
          && (!matchesData() || data == other.data);
    }

    @Override
    public long read(Vcpu vcpu, long offset, int size) {
      return vcpu.decline();
    }

    @Override
    public long write(Vcpu vcpu, long offset, int size, long value) {
      if (offset != 0 || length != 0 && size != length || matchesData() && value != data) {
        return vcpu.decline();
      }
      event.signal();
      return 0;
    }
  }
}
