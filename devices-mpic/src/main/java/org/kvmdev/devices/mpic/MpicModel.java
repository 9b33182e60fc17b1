package org.kvmdev.devices.mpic;

import java.util.List;
import org.kvmdev.api.Completeness;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Errno;
import org.kvmdev.api.register.RegisterMap;

/** The two models: what differs between them, and the device type that each is. */
enum MpicModel {
  /** MPIC 2.0, as in the MPC8544E: critical interrupts by IDR, mixed mode alone. */
  MPIC_20(1, "KVM_DEV_TYPE_FSL_MPIC_20", "2.0 (MPC8544E)", 0x0040_0200, 80, 0x2000_0000, false),

  /** MPIC 4.2, as in the P4080: outputs by ILR, external proxy mode. */
  MPIC_42(2, "KVM_DEV_TYPE_FSL_MPIC_42", "4.2 (P4080)", 0x0040_0402, 196, 0x6000_0000, true);

  /** GCR[M] in external proxy mode. */
  private static final int PROXY = 0x6000_0000;

  /** FRR[VID]: OpenPIC 1.2. */
  private static final int VERSION = 2;

  private static final int FRR_NIRQ_SHIFT = 16;

  private final int blockRevision;
  private final int interrupts;
  private final int modeMask;
  private final boolean levelRegisters;
  private final RegisterMap<GlobalRegister> global;
  private final RegisterMap<SourceRegister> source;
  private final DeviceType type;

  MpicModel(
      int number,
      String name,
      String version,
      int blockRevision,
      int interrupts,
      int modeMask,
      boolean levelRegisters) {
    this.blockRevision = blockRevision;
    this.interrupts = interrupts;
    this.modeMask = modeMask;
    this.levelRegisters = levelRegisters;
    global = GlobalRegister.map(this);
    source = SourceRegister.map(this);
    type =
        DeviceType.of(number, name, "kvm-mpic", "Freescale MPIC " + version + ".")
            .limit("mpic", 1, Errno.EINVAL)
            .state(Completeness.CONFIGURATION)
            .attributes(MpicAttribute.TABLE.groups(), MpicAttribute.declarations(registers()))
            .source("Documentation/virt/kvm/devices/mpic.rst")
            .build();
  }

  /**
   * The model of a device type.
   *
   * @throws IllegalArgumentException where it is neither's
   */
  static MpicModel of(DeviceType type) {
    for (MpicModel model : values()) {
      if (model.type == type) {
        return model;
      }
    }
    throw new IllegalArgumentException(type + " is no MPIC; there are MPIC 2.0 and 4.2");
  }

  DeviceType type() {
    return type;
  }

  /** BRR1. */
  int blockRevision() {
    return blockRevision;
  }

  /** FRR, but for the number of CPUs. */
  int features() {
    return interrupts - 1 << FRR_NIRQ_SHIFT | VERSION;
  }

  /** The bits of GCR[M] that the model has. */
  int modeMask() {
    return modeMask;
  }

  /** Whether GCR selects external proxy mode. */
  boolean isProxyMode(int gcr) {
    return (gcr & modeMask) == PROXY;
  }

  /** Whether a source's output is selected by ILR; otherwise IDR has critical destinations. */
  boolean hasLevelRegisters() {
    return levelRegisters;
  }

  RegisterMap<GlobalRegister> global() {
    return global;
  }

  RegisterMap<SourceRegister> source() {
    return source;
  }

  /** All registers of the model, part by part. */
  final List<RegisterMap<?>> registers() {
    return List.of(
        global,
        TimerRegister.MAP,
        MessageRegister.MAP,
        SummaryRegister.MAP,
        source,
        CpuRegister.MAP);
  }
}
