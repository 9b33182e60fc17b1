package org.kvmdev.runtime.ioctl;

import static org.kvmdev.runtime.ioctl.Direction.NONE;
import static org.kvmdev.runtime.ioctl.Direction.READ_WRITE;
import static org.kvmdev.runtime.ioctl.Direction.WRITE;
import static org.kvmdev.runtime.ioctl.FileKind.DEVICE;
import static org.kvmdev.runtime.ioctl.FileKind.SYSTEM;
import static org.kvmdev.runtime.ioctl.FileKind.VCPU;
import static org.kvmdev.runtime.ioctl.FileKind.VM;

import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Host;
import org.kvmdev.api.HostTables;

/**
 * The requests of KVM that no architecture owns (include/uapi/linux/kvm.h), each declared once: its
 * number and structure, the files that have it, and what says whether a host has it.
 *
 * <p>What an architecture adds, a device family answers through {@link
 * org.kvmdev.api.machine.Requests}, or the host's tables ({@link org.kvmdev.api.HostTables}), which
 * can also say otherwise than this.
 */
public enum Request {
  /** Which version of the API this is: 12. */
  GET_API_VERSION(NONE, 0x00, 0, of(SYSTEM)),
  /** Makes a VM of a type. */
  CREATE_VM(NONE, 0x01, 0, of(SYSTEM)),
  /** Asks for a capability. */
  CHECK_EXTENSION(NONE, 0x03, 0, of(SYSTEM, VM)),
  /** The size of the memory that a vCPU would share with its client. */
  GET_VCPU_MMAP_SIZE(NONE, 0x04, 0, of(SYSTEM)),
  /** Makes a vCPU with an id. */
  CREATE_VCPU(NONE, 0x41, 0, of(VM)),
  /** {@code struct kvm_userspace_memory_region}. */
  SET_USER_MEMORY_REGION(WRITE, 0x46, 32, of(VM)),
  /** {@code struct kvm_irq_level}. */
  IRQ_LINE(WRITE, 0x61, 8, of(VM)),
  /** {@code struct kvm_irq_level}, with the status written back. */
  IRQ_LINE_STATUS(READ_WRITE, 0x67, 8, of(VM)),
  /** {@code struct kvm_irq_routing}, with its entries behind it. */
  SET_GSI_ROUTING(WRITE, 0x6a, 8, of(VM), 25),
  /** Runs a vCPU. */
  RUN(NONE, 0x80, 0, of(VCPU)),
  /** Which signals are blocked in a run: {@code struct kvm_signal_mask}. */
  SET_SIGNAL_MASK(WRITE, 0x8b, 4, of(VCPU)),
  /** {@code struct kvm_enable_cap}, of a VM. */
  ENABLE_CAP_VM(WRITE, 0xa3, 104, of(VM), 98),
  /** {@code struct kvm_enable_cap}, of a vCPU. */
  ENABLE_CAP(WRITE, 0xa3, 104, of(VCPU), 54),
  /** {@code struct kvm_msi}. */
  SIGNAL_MSI(WRITE, 0xa5, 32, of(VM), 77),
  /** {@code struct kvm_one_reg}. */
  GET_ONE_REG(WRITE, 0xab, 16, of(VCPU), 70),
  /** {@code struct kvm_one_reg}. */
  SET_ONE_REG(WRITE, 0xac, 16, of(VCPU), 70),
  /** {@code struct kvm_create_device}. */
  CREATE_DEVICE(READ_WRITE, 0xe0, 12, of(VM)),
  /** {@code struct kvm_device_attr}. */
  SET_DEVICE_ATTR(WRITE, 0xe1, 24, of(DEVICE, VM, VCPU)),
  /** {@code struct kvm_device_attr}. */
  GET_DEVICE_ATTR(WRITE, 0xe2, 24, of(DEVICE, VM, VCPU, SYSTEM)),
  /** {@code struct kvm_device_attr}. */
  HAS_DEVICE_ATTR(WRITE, 0xe3, 24, of(DEVICE, VM, VCPU, SYSTEM)),

  /** {@code struct kvm_dirty_log}: which pages a guest wrote. */
  GET_DIRTY_LOG(WRITE, 0x42, 16, of(VM)),
  /** {@code struct kvm_clear_dirty_log}: which of them are told. */
  CLEAR_DIRTY_LOG(READ_WRITE, 0xc0, 24, of(VM), 168),
  /** {@code struct kvm_coalesced_mmio_zone}: MMIO that is written without an exit. */
  REGISTER_COALESCED_MMIO(WRITE, 0x67, 16, of(VM), 15),
  /** {@code struct kvm_coalesced_mmio_zone}. */
  UNREGISTER_COALESCED_MMIO(WRITE, 0x68, 16, of(VM), 15),
  /** {@code struct kvm_irqfd}: an eventfd that drives a line. */
  IRQFD(WRITE, 0x76, 32, of(VM), 32),
  /** {@code struct kvm_ioeventfd}: an eventfd that a guest's store signals. */
  IOEVENTFD(WRITE, 0x79, 64, of(VM), 36),
  /** Drives the vCPU's interrupt pin, for a controller that is the client's. */
  INTERRUPT(WRITE, 0x86, 4, of(VCPU), "interrupt.unset"),
  /** {@code struct kvm_reg_list}: which registers a vCPU has. */
  GET_REG_LIST(READ_WRITE, 0xb0, 8, of(VCPU), "onereg.list"),

  /** {@code struct kvm_userspace_memory_region2}, of which the begin is the older structure. */
  SET_USER_MEMORY_REGION2(WRITE, 0x49, 160, of(VM), 231),
  /** Makes a file of statistics, where the host's tables say which there are. */
  GET_STATS_FD(NONE, 0xce, 0, of(VM, VCPU), 203);

  private final Direction direction;
  private final int number;
  private final int size;
  private final Set<FileKind> files;

  /** The key of the host's file that is not 0 where the host has the request; null: every host. */
  private final @Nullable String key;

  Request(Direction direction, int number, int size, Set<FileKind> files) {
    this(direction, number, size, files, null);
  }

  Request(Direction direction, int number, int size, Set<FileKind> files, int capability) {
    this(direction, number, size, files, "cap." + capability);
  }

  Request(Direction direction, int number, int size, Set<FileKind> files, @Nullable String key) {
    this.direction = direction;
    this.number = number;
    this.size = size;
    this.files = files;
    this.key = key;
  }

  private static Set<FileKind> of(FileKind first, FileKind... more) {
    return EnumSet.of(first, more);
  }

  /**
   * Which way the structure is copied.
   *
   * @return the direction
   */
  public Direction direction() {
    return direction;
  }

  /**
   * The number within KVM's requests.
   *
   * @return 0x00 to 0xff
   */
  public int number() {
    return number;
  }

  /**
   * The structure's size, as the encoded number has it.
   *
   * @return bytes
   */
  public int size() {
    return size;
  }

  /**
   * The files that have the request.
   *
   * @return kinds of file
   */
  public Set<FileKind> files() {
    return EnumSet.copyOf(files);
  }

  /**
   * Whether a host has the request on a kind of file.
   *
   * @param host the host
   * @param kind the kind of file
   * @return what its capability or its key of the host's file says; for attributes, whether such a
   *     file has any; for statistics, whether its tables have any
   */
  public boolean isOn(Host host, FileKind kind) {
    if (!files.contains(kind) || isOfAttributes() && !kind.hasAttributes(host)) {
      return false;
    }
    if (this == GET_STATS_FD) {
      HostTables.Target of = kind == VM ? HostTables.Target.VM : HostTables.Target.VCPU;
      if (host.tables().statistics(of).isEmpty()) {
        return false;
      }
    }
    return key == null || host.number(key, 0) != 0;
  }

  /** Whether this is one of the three that devices have, and other files on some hosts. */
  boolean isOfAttributes() {
    return this == SET_DEVICE_ATTR || this == GET_DEVICE_ATTR || this == HAS_DEVICE_ATTR;
  }

  /** {@return the name in the kernel's headers} */
  @Override
  public String toString() {
    return this == ENABLE_CAP_VM ? "KVM_ENABLE_CAP" : "KVM_" + name();
  }
}
