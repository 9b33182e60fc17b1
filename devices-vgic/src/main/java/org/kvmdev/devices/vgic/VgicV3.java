package org.kvmdev.devices.vgic;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.AttributeDevice;
import org.kvmdev.api.Completeness;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.devices.vgic.GicRegisterMap.Place;

/** The device KVM_DEV_TYPE_ARM_VGIC_V3: a client's view of a GICv3. */
final class VgicV3 extends AttributeDevice<VgicV3Attribute> {
  /** The type. */
  static final DeviceType TYPE =
      DeviceType.of(
              7,
              "KVM_DEV_TYPE_ARM_VGIC_V3",
              "kvm-arm-vgic-v3",
              "Arm's Generic Interrupt Controller, version 3, for up to 512 vCPUs.")
          .limit("VGIC", 1, Errno.EEXIST)
          .state(Completeness.COMPLETE)
          .departs(VgicAttributes.STAYS_RULE, VgicAttributes.STAYS, VgicAttributes.STAYS_SOURCE)
          .attributes(VgicV3Attribute.TABLE)
          .source("Documentation/virt/kvm/devices/arm-vgic-v3.rst; IHI 0069")
          .build();

  private static final long REGION_INDEX = 0xfff;
  private static final long REGION_FLAGS = 0xf000;
  private static final long REGION_BASE = 0x000f_ffff_ffff_0000L;
  private static final int REGION_COUNT_SHIFT = 52;
  private static final int LINE_INFO_SHIFT = 10;

  private static final KvmException NO_VCPU =
      KvmException.constant(Errno.EINVAL, "there is no vCPU of this affinity");
  private static final KvmException NOT_INITIALISED =
      KvmException.constant(Errno.EBUSY, "the GIC is not initialised: set CTRL/INIT first");
  private static final KvmException TABLES_NOT_INITIALISED =
      KvmException.constant(Errno.ENXIO, "the GIC is not initialised: set CTRL/INIT first");
  private static final KvmException BAD_REGION =
      KvmException.constant(
          Errno.EINVAL, "a redistributor region needs a count (63:52), and flags (15:12) of 0");
  private static final KvmException NO_REGION =
      KvmException.constant(Errno.ENOENT, "there is no redistributor region of this index");
  private static final KvmException BAD_INFO =
      KvmException.constant(Errno.EINVAL, "LEVEL_INFO has the lines alone: info (31:10) is 0");
  private static final KvmException NO_INFO =
      KvmException.constant(Errno.ENXIO, "LEVEL_INFO has the lines alone: info (31:10) is 0");
  private static final KvmException BAD_INTID =
      KvmException.constant(Errno.EINVAL, "LEVEL_INFO begins at a multiple of 32");

  private final Vgic vgic;
  private final DistributorV3 distributor;

  VgicV3(Vgic vgic) {
    super(VgicV3Attribute.TABLE);
    this.vgic = vgic;
    distributor = new DistributorV3(vgic);
  }

  /** The vCPU whose affinity a number has. */
  private VgicCpu cpu(long attr) throws KvmException {
    return require(attr >>> 56 == 0 ? vgic.cpuWithAffinity((int) (attr >>> 32)) : null);
  }

  /** The vCPU that accesses the distributor, for which there must be any. */
  private VgicCpu anyCpu() throws KvmException {
    return require(vgic.cpus[0]);
  }

  private static VgicCpu require(@Nullable VgicCpu cpu) throws KvmException {
    if (cpu == null) {
      throw NO_VCPU;
    }
    return cpu;
  }

  private static long offset(long attr) {
    return attr & 0xffff_ffffL;
  }

  private static int encoding(long attr) {
    return (int) attr & 0xffff;
  }

  @Override
  protected void has(VgicV3Attribute attribute, long attr) throws KvmException {
    switch (attribute) {
      case DISTRIBUTOR_REGISTER -> {
        anyCpu();
        RegisterRefusal.check((attr & 3) == 0 && distributor.has(offset(attr)), attr);
      }
      case REDISTRIBUTOR_REGISTER -> {
        VgicCpu cpu = cpu(attr);
        RegisterRefusal.check((attr & 3) == 0 && cpu.redistributor.has(offset(attr)), attr);
      }
      case SYSTEM_REGISTER -> {
        cpu(attr);
        RegisterRefusal.check(SystemRegisterInterface.has(encoding(attr)), attr);
      }
      case LINE_LEVEL -> {
        if (info(attr) != 0) {
          throw NO_INFO;
        }
      }
      case DISTRIBUTOR_ADDRESS,
          REDISTRIBUTOR_ADDRESS,
          REDISTRIBUTOR_REGION,
          INTERRUPT_COUNT,
          INIT,
          SAVE_PENDING_TABLES -> {}
    }
  }

  private static int info(long attr) {
    return (int) attr >>> LINE_INFO_SHIFT;
  }

  @Override
  protected void unreadable(VgicV3Attribute attribute, long attr) throws KvmException {
    switch (attribute) {
      case DISTRIBUTOR_REGISTER -> anyCpu();
      case REDISTRIBUTOR_REGISTER, LINE_LEVEL -> cpu(attr);
      case SYSTEM_REGISTER -> {
        cpu(attr);
        requireStoppedAndInitialised();
      }
      case DISTRIBUTOR_ADDRESS,
          REDISTRIBUTOR_ADDRESS,
          REDISTRIBUTOR_REGION,
          INTERRUPT_COUNT,
          INIT,
          SAVE_PENDING_TABLES -> {}
    }
  }

  private void requireStoppedAndInitialised() throws KvmException {
    vgic.machine.quiesce();
    try {
      requireInitialised();
    } finally {
      vgic.machine.resume();
    }
  }

  private void requireInitialised() throws KvmException {
    if (!vgic.isInitialised()) {
      throw NOT_INITIALISED;
    }
  }

  @Override
  protected long get(VgicV3Attribute attribute, long attr, long given) throws KvmException {
    int index = (int) (given & REGION_INDEX) & 0xff;
    RedistributorRegions.Region region = vgic.regions.region(index);
    if (region == null) {
      throw NO_REGION;
    }
    return index | region.base | (long) region.count << REGION_COUNT_SHIFT;
  }

  @Override
  protected long get(VgicV3Attribute attribute, long attr) throws KvmException {
    // A switch costs loads of its own, so what is accessed most comes before it.
    return attribute == VgicV3Attribute.DISTRIBUTOR_REGISTER
        ? readDistributor(offset(attr))
        : getOther(attribute, attr);
  }

  private long getOther(VgicV3Attribute attribute, long attr) throws KvmException {
    return switch (attribute) {
      case DISTRIBUTOR_ADDRESS -> vgic.addresses.distributor();
      case REDISTRIBUTOR_ADDRESS -> vgic.regions.base();
      case INTERRUPT_COUNT -> vgic.interruptCount();
      case REDISTRIBUTOR_REGISTER, SYSTEM_REGISTER, LINE_LEVEL -> readOwn(attribute, attr);
      case DISTRIBUTOR_REGISTER, REDISTRIBUTOR_REGION, INIT, SAVE_PENDING_TABLES ->
          throw new AssertionError(attribute);
    };
  }

  /** Reads a register of the distributor, while no vCPU runs. */
  private long readDistributor(long offset) throws KvmException {
    VgicCpu cpu = anyCpu();
    Place<DistributorV3Register> place = DistributorV3.place(offset);
    vgic.machine.quiesce();
    try {
      requireInitialised();
      return distributor.userRead(cpu, place, offset);
    } finally {
      vgic.machine.resume();
    }
  }

  /** Reads what each vCPU has, while no vCPU runs. */
  private long readOwn(VgicV3Attribute attribute, long attr) throws KvmException {
    VgicCpu cpu = cpu(attr);
    vgic.machine.quiesce();
    try {
      requireInitialised();
      return readOwn(cpu, attribute, attr);
    } finally {
      vgic.machine.resume();
    }
  }

  private long readOwn(VgicCpu cpu, VgicV3Attribute attribute, long attr) throws KvmException {
    return switch (attribute) {
      case REDISTRIBUTOR_REGISTER -> cpu.redistributor.userRead(offset(attr));
      case SYSTEM_REGISTER -> SystemRegisterInterface.userRead(cpu, encoding(attr));
      case LINE_LEVEL -> vgic.registers.readLines(cpu, lineIntid(attr));
      default -> throw new AssertionError(attribute);
    };
  }

  private static int lineIntid(long attr) throws KvmException {
    if (info(attr) != 0) {
      throw BAD_INFO;
    }
    int intid = (int) attr & (1 << LINE_INFO_SHIFT) - 1;
    if (intid % 32 != 0) {
      throw BAD_INTID;
    }
    return intid;
  }

  @Override
  protected void set(VgicV3Attribute attribute, long attr, long value) throws KvmException {
    if (attribute == VgicV3Attribute.DISTRIBUTOR_REGISTER) {
      writeDistributor(offset(attr), value);
    } else {
      setOther(attribute, attr, value);
    }
  }

  private void setOther(VgicV3Attribute attribute, long attr, long value) throws KvmException {
    switch (attribute) {
      case DISTRIBUTOR_ADDRESS ->
          vgic.addresses.distributor(
              value, AddressMap.V3_ALIGNMENT, AddressMap.V3_DISTRIBUTOR_SIZE);
      case REDISTRIBUTOR_ADDRESS -> vgic.regions.add(0, value, 0);
      case REDISTRIBUTOR_REGION -> addRegion(value);
      case INTERRUPT_COUNT -> vgic.interruptCount(value);
      case INIT -> vgic.initialise();
      case SAVE_PENDING_TABLES -> savePendingTables();
      case REDISTRIBUTOR_REGISTER, SYSTEM_REGISTER, LINE_LEVEL -> writeOwn(attribute, attr, value);
      case DISTRIBUTOR_REGISTER -> throw new AssertionError(attribute);
    }
  }

  private void savePendingTables() throws KvmException {
    vgic.machine.quiesce();
    try {
      if (!vgic.isInitialised()) {
        throw TABLES_NOT_INITIALISED;
      }
      vgic.lpis.savePending();
    } finally {
      vgic.machine.resume();
    }
  }

  private void addRegion(long value) throws KvmException {
    int count = (int) (value >>> REGION_COUNT_SHIFT);
    if (count == 0 || (value & REGION_FLAGS) != 0) {
      throw BAD_REGION;
    }
    // The kernel keeps eight bits of the twelve of the index.
    vgic.regions.add((int) (value & REGION_INDEX) & 0xff, value & REGION_BASE, count);
  }

  /** Writes a register of the distributor, while no vCPU runs. */
  private void writeDistributor(long offset, long value) throws KvmException {
    VgicCpu cpu = anyCpu();
    Place<DistributorV3Register> place = DistributorV3.place(offset);
    vgic.machine.quiesce();
    try {
      requireInitialised();
      distributor.userWrite(cpu, place, offset, value);
    } finally {
      vgic.machine.resume();
    }
  }

  /** Writes what each vCPU has, while no vCPU runs. */
  private void writeOwn(VgicV3Attribute attribute, long attr, long value) throws KvmException {
    VgicCpu cpu = cpu(attr);
    vgic.machine.quiesce();
    try {
      requireInitialised();
      writeOwn(cpu, attribute, attr, value);
    } finally {
      vgic.machine.resume();
    }
  }

  private void writeOwn(VgicCpu cpu, VgicV3Attribute attribute, long attr, long value)
      throws KvmException {
    switch (attribute) {
      case REDISTRIBUTOR_REGISTER -> cpu.redistributor.userWrite(offset(attr), value);
      case SYSTEM_REGISTER -> SystemRegisterInterface.userWrite(cpu, encoding(attr), value);
      case LINE_LEVEL -> vgic.registers.writeLines(cpu, lineIntid(attr), value);
      default -> throw new AssertionError(attribute);
    }
  }
}
