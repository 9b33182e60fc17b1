package org.kvmdev.devices.vgic;

import org.kvmdev.api.Host;

/**
 * The host's own interrupt controller, whose virtual CPU interface the guest meets. Keys of the
 * host's file: {@code gic.version} (2 or 3), {@code gic.listRegisters}, {@code gic.priorityBits},
 * {@code gic.idBits} (16 or 24), {@code gic.cpuInterfaceId} (GICV_IIDR) and {@code timer.ppis}.
 */
final class GicHost {
  /** The host's GIC is a version 2, whose CPU interface is memory-mapped; otherwise version 3. */
  final boolean version2;

  final int listRegisters;
  final int priorityBits;

  /** ICC_CTLR_EL1.IDbits: 0 for 16 bits, 1 for 24. */
  final int idBitsField;

  /** GICV_IIDR, which the guest reads. */
  final int cpuInterfaceId;

  /** The PPIs of the virtual and the physical timer. */
  final int[] timerPpis;

  GicHost(Host host) {
    version2 = host.number("gic.version", 3) == 2;
    listRegisters = (int) host.number("gic.listRegisters", 4);
    priorityBits = (int) host.number("gic.priorityBits", VirtualCpuInterface.PRIORITY_BITS);
    if (listRegisters < 1 || listRegisters > 16) {
      throw new IllegalArgumentException(
          host + ": gic.listRegisters=" + listRegisters + " should be 1 to 16");
    }
    if (priorityBits != VirtualCpuInterface.PRIORITY_BITS) {
      throw new IllegalArgumentException(
          host + ": gic.priorityBits=" + priorityBits + " should be 5, which KVM's VGIC has");
    }
    idBitsField = host.number("gic.idBits", 24) == 24 ? 1 : 0;
    cpuInterfaceId = (int) host.number("gic.cpuInterfaceId", 0x2043b);
    timerPpis = host.numbers("timer.ppis").stream().mapToInt(Long::intValue).toArray();
  }

  VirtualCpuInterface newCpuInterface() {
    return version2
        ? new VirtualCpuInterfaceV2(listRegisters)
        : new VirtualCpuInterfaceV3(listRegisters);
  }
}
