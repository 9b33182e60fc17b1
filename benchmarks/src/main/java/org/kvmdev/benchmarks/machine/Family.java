package org.kvmdev.benchmarks.machine;

import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/** The device types that are measured, each with what it takes to have one ready to be used. */
public enum Family {
  /** The framework's own cost: a device that does nothing. */
  EMPTY("empty device", "powerpc-e500v2-6.12", EmptyProvider.EMPTY, 0, 0, 8),
  /** FSL MPIC 2.0; IIVPR0. */
  MPIC_20("MPIC 2.0", "powerpc-e500v2-6.12", 1, 2, 0x1_0200, 4),
  /** FSL MPIC 4.2; IIVPR0. */
  MPIC_42("MPIC 4.2", "powerpc-e500v2-6.12", 2, 2, 0x1_0200, 4),
  /** XICS; a source's word. */
  XICS("XICS", "ppc64-xics-6.1", 3, 1, XicsMachine.SOURCE, 8),
  /** VGIC v2; GICD_CTLR. */
  GIC_V2("GICv2", "arm64-gicv2-6.1", 5, 1, 0, 4),
  /** VGIC v3; GICD_CTLR. */
  GIC_V3("GICv3", "arm64-gicv3-6.1", 7, 1, 0, 4);

  private final String text;

  /** The name of the host that has the type. */
  final String host;

  /** The device type's number. */
  final int type;

  /** The group of an attribute that can be read and written. */
  final int group;

  /** Its number. */
  final long attr;

  /** Its data's size in bytes. */
  final int size;

  Family(String text, String host, int type, int group, long attr, int size) {
    this.text = text;
    this.host = host;
    this.type = type;
    this.group = group;
    this.attr = attr;
    this.size = size;
  }

  /** Makes a vCPU, in a VM of this host. */
  Vcpu createVcpu(Vm vm, int id) throws KvmException {
    Vcpu vcpu = vm.createVcpu(id);
    switch (this) {
      case GIC_V2, GIC_V3 -> VgicMachine.initialise(vcpu);
      case EMPTY, MPIC_20, MPIC_42, XICS -> {}
    }
    return vcpu;
  }

  /** What follows the creation of the vCPUs and the device until it can be used. */
  void bringUp(Device device, Vcpu... vcpus) throws KvmException {
    switch (this) {
      case GIC_V2 -> VgicMachine.bringUp(device, false);
      case GIC_V3 -> VgicMachine.bringUp(device, true);
      case MPIC_20, MPIC_42 -> MpicMachine.connect(device, vcpus);
      case XICS -> {
        XicsMachine.connect(device, vcpus);
        device.set(group, attr, 0);
      }
      case EMPTY -> {}
    }
  }

  @Override
  public String toString() {
    return text;
  }
}
