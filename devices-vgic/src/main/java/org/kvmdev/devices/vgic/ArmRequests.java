package org.kvmdev.devices.vgic;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.Requests;
import org.kvmdev.api.machine.Vcpu;

/**
 * The requests of Arm's VMs and vCPUs that a GIC's bring-up needs: the older way to create a GICv2
 * and to place it, and KVM_ARM_VCPU_INIT, without which a vCPU does not run
 * (Documentation/virt/kvm/api.rst).
 */
final class ArmRequests implements Requests {
  private static final int CREATE_IRQCHIP = 0xae60;
  private static final int SET_DEVICE_ADDR = 0x4010_aeab;
  private static final int PREFERRED_TARGET = 0x8020_aeaf;
  private static final int VCPU_INIT = 0x4020_aeae;

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
  private static final KvmException BAD_FEATURE =
      KvmException.constant(Errno.ENOENT, "KVM_ARM_VCPU_INIT: no such feature");

  private final Vgic vgic;

  ArmRequests(Vgic vgic) {
    this.vgic = vgic;
  }

  @Override
  public List<Integer> requests(Target target) {
    return switch (target) {
      case VM -> List.of(CREATE_IRQCHIP, SET_DEVICE_ADDR, PREFERRED_TARGET);
      case VCPU -> List.of(VCPU_INIT);
    };
  }

  @Override
  public long ioctl(int request, @Nullable Vcpu vcpu, UserMemory memory, long argument)
      throws KvmException {
    if (vcpu != null) {
      initialise(vgic.cpu(vcpu), memory, argument);
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

  private void initialise(VgicCpu cpu, UserMemory memory, long argument) throws KvmException {
    int target = (int) memory.readNumber(argument, 4);
    int features = (int) memory.readNumber(argument + 4, 4);
    boolean unknown = features >>> FEATURES != 0;
    for (int i = 2; i <= FEATURE_WORDS; i++) {
      unknown |= memory.readNumber(argument + 4L * i, 4) != 0;
    }
    if (target != TARGET) {
      throw BAD_TARGET;
    }
    if (unknown) {
      throw BAD_FEATURE;
    }
    if (cpu.initialised && cpu.features != features) {
      throw OTHER_FEATURES;
    }
    cpu.features = features;
    vgic.vcpuInitialised(cpu);
  }
}
