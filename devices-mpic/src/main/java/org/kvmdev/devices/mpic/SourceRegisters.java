package org.kvmdev.devices.mpic;

import org.kvmdev.api.register.RegisterMap;

/** The registers of the external and internal interrupts. */
final class SourceRegisters {
  private static final int STRIDE_SHIFT = 5;
  private static final int ALIGNMENT_MASK = 3;

  private final Source[] sources;
  private final RegisterMap<SourceRegister> map;

  SourceRegisters(MpicModel model, Source[] sources) {
    this.sources = sources;
    this.map = model.source();
  }

  int read(int offset) {
    SourceRegister register = map.at(offset);
    if (register == null || (offset & ALIGNMENT_MASK) != 0) {
      return -1;
    }
    Source source = source(offset);
    // A switch costs loads of its own, so what is accessed most comes before it.
    if (register == SourceRegister.EIVPR || register == SourceRegister.IIVPR) {
      return source.ivpr();
    }
    return switch (register) {
      case EIDR, IIDR -> source.idr();
      case EILR, IILR -> source.ilr();
      case EIVPR, IIVPR -> throw new AssertionError(register);
    };
  }

  void write(int offset, int value) {
    SourceRegister register = map.at(offset);
    if (register == null) {
      return;
    }
    Source source = source(offset);
    if (register == SourceRegister.EIVPR || register == SourceRegister.IIVPR) {
      source.setIvpr(value);
      return;
    }
    switch (register) {
      case EIDR, IIDR -> source.setIdr(value);
      case EILR, IILR -> source.setIlr(value);
      case EIVPR, IIVPR -> throw new AssertionError(register);
    }
  }

  private Source source(int offset) {
    return sources[offset - SourceRegister.BEGIN >> STRIDE_SHIFT];
  }
}
