package org.kvmdev.devices.vgic;

import org.kvmdev.api.AttributeDevice;
import org.kvmdev.api.Completeness;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.devices.vgic.GicRegisterMap.Place;

/** The device KVM_DEV_TYPE_ARM_VGIC_V2: a client's view of a GICv2. */
final class VgicV2 extends AttributeDevice<VgicV2Attribute> {
  /** The type. */
  static final DeviceType TYPE =
      DeviceType.of(
              5,
              "KVM_DEV_TYPE_ARM_VGIC_V2",
              "kvm-arm-vgic-v2",
              "Arm's Generic Interrupt Controller, version 2, for up to 8 vCPUs.")
          .limit("VGIC", 1, Errno.EEXIST)
          // The lines are the client's; and that it wrote GICD_IIDR cannot be read.
          .state(Completeness.CONFIGURATION)
          .departs(VgicAttributes.STAYS_RULE, VgicAttributes.STAYS, VgicAttributes.STAYS_SOURCE)
          .attributes(VgicV2Attribute.TABLE)
          .source("Documentation/virt/kvm/devices/arm-vgic.rst; IHI 0048B")
          .build();

  private final Vgic vgic;
  private final DistributorV2 distributor;

  VgicV2(Vgic vgic) {
    super(VgicV2Attribute.TABLE);
    this.vgic = vgic;
    distributor = new DistributorV2(vgic);
  }

  /** Reads a register of the distributor, while no vCPU runs. */
  private long readDistributor(long attr) throws KvmException {
    VgicCpu cpu = cpu(attr);
    Place<DistributorV2Register> place = DistributorV2.place(offset(attr));
    vgic.machine.quiesce();
    try {
      vgic.initialise();
      return distributor.userRead(cpu, place, offset(attr));
    } finally {
      vgic.machine.resume();
    }
  }

  /** Writes a register of the distributor, while no vCPU runs. */
  private void writeDistributor(long attr, long value) throws KvmException {
    VgicCpu cpu = cpu(attr);
    Place<DistributorV2Register> place = DistributorV2.place(offset(attr));
    vgic.machine.quiesce();
    try {
      vgic.initialise();
      distributor.userWrite(cpu, place, offset(attr), value);
    } finally {
      vgic.machine.resume();
    }
  }

  /** Reads a register of a CPU interface, while no vCPU runs. */
  private long readCpuInterface(long attr) throws KvmException {
    VgicCpu cpu = cpu(attr);
    vgic.machine.quiesce();
    try {
      vgic.initialise();
      return CpuInterfaceV2.userRead(cpu, offset(attr));
    } finally {
      vgic.machine.resume();
    }
  }

  /** Writes a register of a CPU interface, while no vCPU runs. */
  private void writeCpuInterface(long attr, long value) throws KvmException {
    VgicCpu cpu = cpu(attr);
    vgic.machine.quiesce();
    try {
      vgic.initialise();
      CpuInterfaceV2.userWrite(cpu, offset(attr), value);
    } finally {
      vgic.machine.resume();
    }
  }

  private VgicCpu cpu(long attr) throws KvmException {
    int id = VgicV2Attribute.vcpuId(attr);
    VgicCpu cpu = vgic.cpuWithId(id);
    if (cpu == null) {
      throw new KvmException(Errno.EINVAL, "there is no vCPU %d", id);
    }
    return cpu;
  }

  private static long offset(long attr) {
    return attr & 0xffff_ffffL;
  }

  @Override
  protected void has(VgicV2Attribute attribute, long attr) throws KvmException {
    switch (attribute) {
      case DISTRIBUTOR_REGISTER -> {
        cpu(attr);
        RegisterRefusal.check((attr & 3) == 0 && distributor.has(offset(attr)), attr);
      }
      case CPU_INTERFACE_REGISTER -> {
        cpu(attr);
        RegisterRefusal.check(CpuInterfaceV2.has(offset(attr)), attr);
      }
      case DISTRIBUTOR_ADDRESS, CPU_INTERFACE_ADDRESS, INTERRUPT_COUNT, INIT -> {}
    }
  }

  @Override
  protected void unreadable(VgicV2Attribute attribute, long attr) throws KvmException {
    switch (attribute) {
      case DISTRIBUTOR_REGISTER, CPU_INTERFACE_REGISTER -> cpu(attr);
      case DISTRIBUTOR_ADDRESS, CPU_INTERFACE_ADDRESS, INTERRUPT_COUNT, INIT -> {}
    }
  }

  @Override
  protected long get(VgicV2Attribute attribute, long attr) throws KvmException {
    // A switch costs loads of its own, so what is accessed most comes before it.
    return attribute == VgicV2Attribute.DISTRIBUTOR_REGISTER
        ? readDistributor(attr)
        : getOther(attribute, attr);
  }

  private long getOther(VgicV2Attribute attribute, long attr) throws KvmException {
    return switch (attribute) {
      case DISTRIBUTOR_ADDRESS -> vgic.addresses.distributor();
      case CPU_INTERFACE_ADDRESS -> vgic.addresses.cpuInterface();
      case INTERRUPT_COUNT -> vgic.interruptCount();
      case DISTRIBUTOR_REGISTER, INIT -> throw new AssertionError(attribute);
      case CPU_INTERFACE_REGISTER -> readCpuInterface(attr);
    };
  }

  @Override
  protected void set(VgicV2Attribute attribute, long attr, long value) throws KvmException {
    if (attribute == VgicV2Attribute.DISTRIBUTOR_REGISTER) {
      writeDistributor(attr, value);
    } else {
      setOther(attribute, attr, value);
    }
  }

  private void setOther(VgicV2Attribute attribute, long attr, long value) throws KvmException {
    switch (attribute) {
      case DISTRIBUTOR_ADDRESS ->
          vgic.addresses.distributor(
              value, AddressMap.V2_ALIGNMENT, AddressMap.V2_DISTRIBUTOR_SIZE);
      case CPU_INTERFACE_ADDRESS -> vgic.addresses.cpuInterface(value);
      case INTERRUPT_COUNT -> vgic.interruptCount(value);
      case INIT -> vgic.initialise();
      case CPU_INTERFACE_REGISTER -> writeCpuInterface(attr, value);
      case DISTRIBUTOR_REGISTER -> throw new AssertionError(attribute);
    }
  }
}
