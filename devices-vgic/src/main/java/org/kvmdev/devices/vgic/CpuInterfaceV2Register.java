package org.kvmdev.devices.vgic;

import static org.kvmdev.api.register.RegisterSpec.at;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/**
 * The registers of a GICv2's CPU interface: IHI 0048B, table 4-2. The guest meets the host's
 * virtual CPU interface; user space has only those that are state.
 */
enum CpuInterfaceV2Register implements GicRegister {
  GICC_CTLR(true, at(0x0, "Enables groups, and modes.").writable(0x21f)),
  GICC_PMR(
      true,
      at(0x4, "The priority mask: less urgent interrupts wait.")
          .writable(0xf8)
          .effects("For user space the five bits are the lowest ones.")),
  GICC_BPR(true, at(0x8, "The binary point of group 0.").reset(2).writable(7)),
  GICC_IAR(false, at(0xc, "Acknowledges the most urgent interrupt.").readOnly()),
  GICC_EOIR(false, at(0x10, "Ends an interrupt.").writeOnly()),
  GICC_RPR(false, at(0x14, "The running priority.").reset(0xff).readOnly()),
  GICC_HPPIR(false, at(0x18, "The most urgent pending interrupt.").reset(1023).readOnly()),
  GICC_ABPR(true, at(0x1c, "The binary point of group 1.").reset(3).writable(7)),
  GICC_APR(true, at(0xd0, "The active priorities; only the first has bits.").array(4, 4)),
  GICC_IIDR(
      true,
      at(0xfc, "Who made the CPU interface: to user space KVM, to the guest its host.").readOnly()),
  GICC_DIR(false, at(0x1000, "Deactivates an interrupt.").writeOnly());

  /** The CPU interface. */
  static final RegisterMap<CpuInterfaceV2Register> MAP =
      RegisterMap.of("CPU interface", 4, List.of(values()));

  // The guest finds registers in one array access each.
  private static final @Nullable CpuInterfaceV2Register[] PLACES = places();

  /** User space has it. */
  final boolean isState;

  private final RegisterSpec spec;

  CpuInterfaceV2Register(boolean isState, RegisterSpec spec) {
    this.isState = isState;
    this.spec = (isState && spec.writes() ? spec.saved() : spec).source("IHI 0048B, 4.4");
  }

  private static @Nullable CpuInterfaceV2Register[] places() {
    CpuInterfaceV2Register[] places =
        new CpuInterfaceV2Register[(int) GICC_DIR.spec.offset() / Integer.BYTES + 1];
    for (int word = 0; word < places.length; word++) {
      places[word] = MAP.at((long) word * Integer.BYTES);
    }
    return places;
  }

  /** The register at an offset exactly; hardware has none at others. */
  static @Nullable CpuInterfaceV2Register exactly(long offset) {
    long word = offset >>> 2;
    return (offset & 3) == 0 && word < PLACES.length ? PLACES[(int) word] : null;
  }

  @Override
  public RegisterSpec spec() {
    return spec;
  }

  @Override
  public int sizes() {
    return WORD;
  }
}
