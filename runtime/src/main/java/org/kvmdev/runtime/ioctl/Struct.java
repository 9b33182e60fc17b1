package org.kvmdev.runtime.ioctl;

/**
 * Where the fields of KVM's structures are, in bytes from the begin (include/uapi/linux/kvm.h).
 * They are the same on every architecture; their numbers are in the host's byte order.
 */
final class Struct {
  private Struct() {}

  /** {@code struct kvm_create_device}. */
  static final class CreateDevice {
    static final int TYPE = 0;
    static final int FD = 4;
    static final int FLAGS = 8;
    static final int SIZE = 12;

    /** KVM_CREATE_DEVICE_TEST. */
    static final int TEST = 1;

    private CreateDevice() {}
  }

  /** {@code struct kvm_device_attr}; its flags are not looked at. */
  static final class DeviceAttr {
    static final int GROUP = 4;
    static final int ATTR = 8;
    static final int ADDR = 16;
    static final int SIZE = 24;

    private DeviceAttr() {}
  }

  /** {@code struct kvm_enable_cap}. */
  static final class EnableCap {
    static final int CAP = 0;
    static final int FLAGS = 4;
    static final int ARGS = 8;
    static final int ARG_COUNT = 4;
    static final int SIZE = 104;

    private EnableCap() {}
  }

  /** {@code struct kvm_irq_level}; the status shares its place with the line. */
  static final class IrqLevel {
    static final int IRQ = 0;
    static final int STATUS = 0;
    static final int LEVEL = 4;
    static final int SIZE = 8;

    private IrqLevel() {}
  }

  /** {@code struct kvm_msi}. */
  static final class Msi {
    static final int ADDRESS_LO = 0;
    static final int ADDRESS_HI = 4;
    static final int DATA = 8;
    static final int FLAGS = 12;
    static final int DEVID = 16;
    static final int SIZE = 32;

    private Msi() {}
  }

  /** {@code struct kvm_irq_routing}, and {@code struct kvm_irq_routing_entry} behind it. */
  static final class IrqRouting {
    static final int NR = 0;
    static final int FLAGS = 4;
    static final int SIZE = 8;

    static final int GSI = 0;
    static final int TYPE = 4;
    static final int ENTRY_FLAGS = 8;
    static final int CHIP = 16;
    static final int PIN = 20;
    static final int ADDRESS_LO = 16;
    static final int ADDRESS_HI = 20;
    static final int DATA = 24;
    static final int DEVID = 28;
    static final int ENTRY_SIZE = 48;

    /** KVM_IRQ_ROUTING_IRQCHIP. */
    static final int TO_CHIP = 1;

    /** KVM_IRQ_ROUTING_MSI. */
    static final int TO_MSI = 2;

    private IrqRouting() {}
  }

  /** {@code struct kvm_one_reg}. */
  static final class OneReg {
    static final int ID = 0;
    static final int ADDR = 8;
    static final int SIZE = 16;

    private OneReg() {}

    /** How many bytes a register has: its id says so. */
    static int bytes(long id) {
      return 1 << (int) (id >>> 52 & 0xf);
    }
  }

  /** {@code struct kvm_userspace_memory_region}. */
  static final class MemoryRegion {
    static final int SLOT = 0;
    static final int FLAGS = 4;
    static final int GUEST_ADDRESS = 8;
    static final int MEMORY_SIZE = 16;
    static final int USER_ADDRESS = 24;
    static final int SIZE = 32;

    /** {@code struct kvm_userspace_memory_region2}: the rest is for flags that no host has. */
    static final int SIZE2 = 160;

    private MemoryRegion() {}
  }

  /** The begin of {@code struct kvm_run}, and the event of an exit that has one. */
  static final class Run {
    static final int IMMEDIATE_EXIT = 1;
    static final int EXIT_REASON = 8;
    static final int EVENT_TYPE = 32;

    /** KVM_EXIT_INTR. */
    static final int EXIT_INTR = 10;

    /** KVM_EXIT_SYSTEM_EVENT. */
    static final int EXIT_SYSTEM_EVENT = 24;

    /** KVM_SYSTEM_EVENT_SHUTDOWN. */
    static final int EVENT_SHUTDOWN = 1;

    private Run() {}
  }

  /** {@code struct kvm_signal_mask}, with a set of 64 signals behind it. */
  static final class SignalMask {
    static final int LENGTH = 0;
    static final int SET = 4;
    static final int SIZE = 4;
    static final int SET_SIZE = 8;

    private SignalMask() {}
  }

  /** {@code struct kvm_dirty_log}. */
  static final class DirtyLog {
    static final int SLOT = 0;
    static final int BITMAP = 8;
    static final int SIZE = 16;

    private DirtyLog() {}
  }

  /** {@code struct kvm_clear_dirty_log}. */
  static final class ClearDirtyLog {
    static final int SLOT = 0;
    static final int NUM_PAGES = 4;
    static final int FIRST_PAGE = 8;
    static final int BITMAP = 16;
    static final int SIZE = 24;

    private ClearDirtyLog() {}
  }

  /** {@code struct kvm_coalesced_mmio_zone}. */
  static final class CoalescedZone {
    static final int PIO = 12;
    static final int SIZE = 16;

    private CoalescedZone() {}
  }

  /** {@code struct kvm_irqfd}. */
  static final class Irqfd {
    static final int FD = 0;
    static final int GSI = 4;
    static final int FLAGS = 8;
    static final int RESAMPLE_FD = 12;
    static final int SIZE = 32;

    /** KVM_IRQFD_FLAG_DEASSIGN. */
    static final int DEASSIGN = 1;

    /** KVM_IRQFD_FLAG_RESAMPLE. */
    static final int RESAMPLE = 2;

    private Irqfd() {}
  }

  /** {@code struct kvm_ioeventfd}. */
  static final class Ioeventfd {
    static final int DATAMATCH = 0;
    static final int ADDRESS = 8;
    static final int LENGTH = 16;
    static final int FD = 20;
    static final int FLAGS = 24;
    static final int SIZE = 64;

    /** KVM_IOEVENTFD_FLAG_DEASSIGN. */
    static final int DEASSIGN = 4;

    private Ioeventfd() {}
  }
}
