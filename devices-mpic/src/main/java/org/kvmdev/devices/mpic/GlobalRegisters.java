package org.kvmdev.devices.mpic;

import org.kvmdev.api.register.RegisterMap;

/** The global registers' state, and what accesses to them do. */
final class GlobalRegisters {
  /** GCR[RST]. */
  private static final int RESET = 0x8000_0000;

  private static final int FRR_NCPU_SHIFT = 8;
  private static final int VENDOR_GENERIC = 0;

  private final Mpic mpic;
  private final RegisterMap<GlobalRegister> map;

  private int gcr;
  private int svr;

  GlobalRegisters(Mpic mpic) {
    this.mpic = mpic;
    this.map = mpic.model.global();
  }

  void reset() {
    gcr = 0;
    svr = Source.VECTOR;
  }

  int spuriousVector() {
    return svr;
  }

  boolean isProxyMode() {
    return mpic.model.isProxyMode(gcr);
  }

  int read(int offset) {
    GlobalRegister register = map.at(offset);
    if (register == null) {
      return -1;
    }
    return switch (register) {
      case PRIVATE -> -1; // A CPU's access has gone to its own registers.
      case BRR1 -> mpic.model.blockRevision();
      // Without a CPU the count less one is -1, and KVM does not confine it to its field.
      case FRR -> mpic.model.features() | mpic.cpuCount() - 1 << FRR_NCPU_SHIFT;
      case GCR -> gcr;
      case VIR -> VENDOR_GENERIC;
      case PIR -> 0;
      case IPIVPR -> mpic.source(interprocessor(register, offset)).ivpr();
      case SVR -> svr;
    };
  }

  /** Returns false for a write that is user space's to do. */
  boolean write(int offset, int value) {
    GlobalRegister register = map.at(offset);
    if (register == null) {
      return true;
    }
    switch (register) {
      case PRIVATE, BRR1, FRR, VIR -> {
        // Read-only; a CPU's access to its own registers has gone there.
      }
      case GCR -> {
        if ((value & RESET) != 0) {
          mpic.reset();
        } else {
          int mode = mpic.model.modeMask();
          gcr = gcr & ~mode | value & mode;
        }
      }
      case PIR -> {
        return false;
      }
      case IPIVPR -> mpic.source(interprocessor(register, offset)).setIvpr(value);
      case SVR -> svr = value & Source.VECTOR;
    }
    return true;
  }

  private int interprocessor(GlobalRegister register, int offset) {
    return Source.FIRST_INTERPROCESSOR + map.index(register, offset);
  }
}
