package org.kvmdev.devices.vgic;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.Requests;
import org.kvmdev.api.machine.Vcpu;

/**
 * The requests of Arm's own on VMs and vCPUs: the older way to create a GICv2 and to place it,
 * KVM_ARM_VCPU_INIT, without which a vCPU does not run, and a vCPU's events
 * (Documentation/virt/kvm/api.rst).
 */
final class ArmRequests implements Requests {
  private static final int CREATE_IRQCHIP = 0xae60;
  private static final int SET_DEVICE_ADDR = 0x4010_aeab;
  private static final int PREFERRED_TARGET = 0x8020_aeaf;
  private static final int VCPU_INIT = 0x4020_aeae;
  private static final int VCPU_FINALIZE = 0x4004_aec2;
  private static final int GET_EVENTS = 0x8040_ae9f;
  private static final int SET_EVENTS = 0x4040_aea0;

  /** struct kvm_vcpu_events: whether an SError is pending, whether it has a syndrome, padding. */
  private static final int EVENTS_SIZE = 64;

  private static final int SERROR_HAS_SYNDROME = 1;
  private static final int FIRST_PADDING = 3;
  private static final int SYNDROME = 8;
  private static final int RESERVED = 16;

  /** The bits of a syndrome that are the SError's own (ISS). */
  private static final long SYNDROME_BITS = 0x1ff_ffffL;

  /** The syndrome of an SError without one: it is implementation defined. */
  private static final long NO_SYNDROME = 1L << 24;

  /** KVM_ARM_TARGET_GENERIC_V8. */
  private static final int TARGET = 5;

  /** The words of features in struct kvm_vcpu_init, after the target. */
  private static final int FEATURE_WORDS = 7;

  /** How many features a kernel of the recorded versions knows. */
  private static final int FEATURES = 7;

  private static final KvmException NO_SUCH_DEVICE =
      KvmException.constant(
          Errno.ENODEV, "KVM_ARM_SET_DEVICE_ADDR places a GICv2 (device 0) alone: 0 or 1");
  private static final KvmException NO_GICV2 =
      KvmException.constant(Errno.ENODEV, "the host cannot have a GICv2");
  private static final KvmException BAD_TARGET =
      KvmException.constant(
          Errno.EINVAL, "KVM_ARM_VCPU_INIT takes the target that KVM_ARM_PREFERRED_TARGET says");
  private static final KvmException OTHER_FEATURES =
      KvmException.constant(Errno.EINVAL, "KVM_ARM_VCPU_INIT takes the same features each time");
  private static final KvmException FEATURE_NOT_HERE =
      KvmException.constant(
          Errno.EINVAL, "KVM_ARM_VCPU_INIT: the host's CPUs do not have such a feature");
  private static final KvmException NOTHING_TO_FINALIZE =
      KvmException.constant(
          Errno.EINVAL, "KVM_ARM_VCPU_FINALIZE: the vCPU has no feature that needs it");
  private static final KvmException NOT_INITIALISED =
      KvmException.constant(Errno.ENOEXEC, "the vCPU is not initialised: KVM_ARM_VCPU_INIT first");
  private static final KvmException BAD_EVENTS =
      KvmException.constant(
          Errno.EINVAL,
          "KVM_SET_VCPU_EVENTS: padding is 0, and a syndrome has no bits but its lowest 25");
  private static final KvmException BAD_FEATURE =
      KvmException.constant(Errno.ENOENT, "KVM_ARM_VCPU_INIT: no such feature");

  private final Vgic vgic;
  private final ArmMachine machine;
  private final long features;

  ArmRequests(ArmMachine machine) {
    this.machine = machine;
    this.vgic = machine.vgic;
    features = vgic.machine.host().number("vcpu.features", -1);
  }

  @Override
  public List<Integer> requests(Target target) {
    return switch (target) {
      case VM -> List.of(CREATE_IRQCHIP, SET_DEVICE_ADDR, PREFERRED_TARGET);
      case VCPU -> List.of(VCPU_INIT, VCPU_FINALIZE, GET_EVENTS, SET_EVENTS);
    };
  }

  @Override
  public long ioctl(int request, @Nullable Vcpu vcpu, UserMemory memory, long argument)
      throws KvmException {
    if (vcpu != null) {
      onVcpu(request, vcpu, memory, argument);
    } else if (request == CREATE_IRQCHIP) {
      if (!vgic.machine.host().numbers("devices").contains((long) VgicV2.TYPE.number())) {
        throw NO_GICV2;
      }
      vgic.create(Vgic.Model.V2);
    } else if (request == SET_DEVICE_ADDR) {
      place(memory.readNumber(argument, 8), memory.readNumber(argument + 8, 8));
    } else {
      memory.writeNumber(argument, 4, TARGET);
      for (int i = 1; i <= FEATURE_WORDS; i++) {
        memory.writeNumber(argument + 4L * i, 4, 0);
      }
    }
    return 0;
  }

  private void place(long id, long address) throws KvmException {
    if ((id & 0xffff_0000L) != 0 || !vgic.isV2()) {
      throw NO_SUCH_DEVICE;
    }
    switch ((int) id & 0xffff) {
      case 0 ->
          vgic.addresses.distributor(
              address, AddressMap.V2_ALIGNMENT, AddressMap.V2_DISTRIBUTOR_SIZE);
      case 1 -> vgic.addresses.cpuInterface(address);
      default -> throw NO_SUCH_DEVICE;
    }
  }

  private void onVcpu(int request, Vcpu vcpu, UserMemory memory, long argument)
      throws KvmException {
    switch (request) {
      case VCPU_INIT -> initialise(vcpu, memory, argument);
      case GET_EVENTS -> getEvents(machine.vcpu(vcpu), memory, argument);
      case SET_EVENTS -> setEvents(machine.vcpu(vcpu), memory, argument);
      default -> {
        if (!vgic.cpu(vcpu).initialised) {
          throw NOT_INITIALISED;
        }
        memory.readNumber(argument, 4);
        throw NOTHING_TO_FINALIZE;
      }
    }
  }

  private static void getEvents(ArmVcpu vcpu, UserMemory memory, long argument)
      throws KvmException {
    memory.write(argument, new byte[EVENTS_SIZE], 0, EVENTS_SIZE);
    memory.writeNumber(argument, 1, vcpu.serrorPending ? 1 : 0);
    memory.writeNumber(argument + SERROR_HAS_SYNDROME, 1, 1);
    if (vcpu.serrorPending) {
      memory.writeNumber(argument + SYNDROME, 8, vcpu.serrorSyndrome);
    }
  }

  /** Nothing takes a pending SError back. An abort is taken, and is the CPU's to deliver. */
  private static void setEvents(ArmVcpu vcpu, UserMemory memory, long argument)
      throws KvmException {
    byte[] events = new byte[EVENTS_SIZE];
    memory.read(argument, events, 0, events.length);
    boolean pending = events[0] != 0;
    boolean hasSyndrome = events[SERROR_HAS_SYNDROME] != 0;
    long syndrome = memory.readNumber(argument + SYNDROME, 8);
    for (int at = FIRST_PADDING; at < events.length; at++) {
      if ((at < SYNDROME || at >= RESERVED) && events[at] != 0) {
        throw BAD_EVENTS;
      }
    }
    if (pending && hasSyndrome && (syndrome & ~SYNDROME_BITS) != 0) {
      throw BAD_EVENTS;
    }
    if (pending) {
      vcpu.serrorPending = true;
      vcpu.serrorSyndrome = hasSyndrome ? syndrome : NO_SYNDROME;
    }
  }

  private void initialise(Vcpu vcpu, UserMemory memory, long argument) throws KvmException {
    VgicCpu cpu = vgic.cpu(vcpu);
    int target = (int) memory.readNumber(argument, 4);
    int wanted = (int) memory.readNumber(argument + 4, 4);
    boolean unknown = wanted >>> FEATURES != 0;
    for (int i = 2; i <= FEATURE_WORDS; i++) {
      unknown |= memory.readNumber(argument + 4L * i, 4) != 0;
    }
    if (target != TARGET) {
      throw BAD_TARGET;
    }
    if (unknown) {
      throw BAD_FEATURE;
    }
    if (cpu.initialised && vcpu.registers().features() != wanted) {
      throw OTHER_FEATURES;
    }
    if ((wanted & ~features) != 0) {
      throw FEATURE_NOT_HERE;
    }
    machine.reset(vcpu, wanted);
    vgic.vcpuInitialised(cpu);
  }
}
