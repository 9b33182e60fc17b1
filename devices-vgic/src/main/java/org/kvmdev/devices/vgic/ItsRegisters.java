package org.kvmdev.devices.vgic;

import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.MmioHandler;
import org.kvmdev.api.machine.Vcpu;

/** An ITS's registers, for the guest and for user space. IHI 0069, chapter 12.19. */
final class ItsRegisters implements MmioHandler {
  /** The control frame and the frame for messages. */
  static final long SIZE = 0x2_0000;

  /** GITS_TRANSLATER, the doorbell. */
  static final long TRANSLATER = 0x1_0040;

  private static final int ENABLE = 1;
  private static final long QUIESCENT = 1L << 31;
  private static final int IIDR = 0x4b00_043b;
  private static final int REVISION_SHIFT = 12;
  private static final long TYPER = 0x1_ef71;

  /** PIDR4 to 7, PIDR0 to 3, CIDR0 to 3. */
  private static final int[] IDENTIFICATION = {
    0x40, 0, 0, 0, 0x92, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1
  };

  private static final KvmException NO_REVISION =
      KvmException.constant(Errno.EINVAL, "GITS_IIDR: 0 is the only revision (15:12) there is");
  private static final KvmException ENABLED =
      KvmException.constant(Errno.EBUSY, "GITS_CREADR: the ITS is enabled; clear GITS_CTLR first");
  private static final KvmException BEYOND =
      KvmException.constant(Errno.EINVAL, "GITS_CREADR is beyond the command queue's end");

  final Its its;
  private final Vgic vgic;

  ItsRegisters(Vgic vgic, Its its) {
    this.vgic = vgic;
    this.its = its;
  }

  @Override
  public long read(Vcpu vcpu, long offset, int size) {
    ItsRegister register = ItsRegister.ACCESSES.find(offset, size, 0, 0);
    if (register == null) {
      return 0;
    }
    synchronized (vgic.lpis) {
      return read(register, offset, size);
    }
  }

  @Override
  public long write(Vcpu vcpu, long offset, int size, long value) {
    ItsRegister register = ItsRegister.ACCESSES.find(offset, size, 0, 0);
    if (register != null) {
      VgicCpu writer = vgic.cpu(vcpu);
      boolean running = writer.trap();
      synchronized (vgic.lpis) {
        write(register, offset, size, value);
      }
      writer.resume(running);
    }
    return 0;
  }

  /** User space reads a whole register. */
  long userRead(ItsRegister register, long offset) {
    return read(register, offset, register.spec().width());
  }

  /** User space writes a whole register. */
  void userWrite(ItsRegister register, long offset, long value) throws KvmException {
    switch (register) {
      case GITS_IIDR -> {
        if ((value >> REVISION_SHIFT & 0xf) != 0) {
          throw NO_REVISION;
        }
      }
      case GITS_CREADR -> {
        if (its.enabled) {
          throw ENABLED;
        }
        if (!its.commands.readFrom(value)) {
          throw BEYOND;
        }
      }
      default -> write(register, offset, register.spec().width(), value);
    }
  }

  private long read(ItsRegister register, long offset, int size) {
    return switch (register) {
      case GITS_CTLR -> (its.commands.isQuiescent() ? QUIESCENT : 0) | (its.enabled ? ENABLE : 0);
      case GITS_IIDR -> IIDR;
      case GITS_TYPER -> part(TYPER, offset, size);
      case GITS_CBASER -> part(its.commands.base, offset, size);
      case GITS_CWRITER -> part(its.commands.writer, offset, size);
      case GITS_CREADR -> part(its.commands.reader, offset, size);
      case GITS_BASER ->
          switch (ItsRegister.MAP.index(register, offset)) {
            case 0 -> part(its.deviceTable.base, offset, size);
            case 1 -> part(its.collectionTable.base, offset, size);
            default -> 0;
          };
      case GITS_IDREGS -> IDENTIFICATION[ItsRegister.MAP.index(register, offset)];
    };
  }

  private void write(ItsRegister register, long offset, int size, long value) {
    CommandQueue commands = its.commands;
    switch (register) {
      case GITS_CTLR -> its.enable((value & ENABLE) != 0);
      case GITS_CBASER -> {
        if (!its.enabled) {
          commands.place(cacheable(merged(commands.base, offset, size, value)) & ~0xf000L);
        }
      }
      case GITS_CWRITER -> commands.writeUpTo(merged(commands.writer, offset, size, value));
      case GITS_BASER -> {
        if (!its.enabled) {
          writeTable(ItsRegister.MAP.index(register, offset), offset, size, value);
        }
      }
      case GITS_IIDR, GITS_TYPER, GITS_CREADR, GITS_IDREGS -> {}
    }
  }

  private void writeTable(int index, long offset, int size, long value) {
    if (index == 0) {
      its.deviceTable.write(merged(its.deviceTable.base, offset, size, value));
      if (!its.deviceTable.isValid()) {
        its.mappings.removeDevices();
      }
    } else if (index == 1) {
      its.collectionTable.write(merged(its.collectionTable.base, offset, size, value));
      if (!its.collectionTable.isValid()) {
        its.mappings.removeCollections();
      }
    }
  }

  /** A half of a 64-bit register, or the whole. */
  private static long part(long value, long offset, int size) {
    return size == 8 ? value : value >>> (offset & 4) * 8 & 0xffff_ffffL;
  }

  /** A 64-bit register of which the whole or a half is written. */
  private static long merged(long now, long offset, int size, long value) {
    if (size == 8) {
      return value;
    }
    int shift = (int) (offset & 4) * 8;
    return now & ~(0xffff_ffffL << shift) | (value & 0xffff_ffffL) << shift;
  }

  /**
   * A base with the attributes that a model of memory allows: no outer shareability, an inner
   * cacheability that caches, an outer one that is none or the same.
   */
  static long cacheable(long base) {
    long value = base;
    if ((value >> 10 & 3) == 2) {
      value = value & ~(3L << 10) | 1L << 10;
    }
    if ((value >>> 59 & 7) <= 1) {
      value = value & ~(7L << 59) | 3L << 59;
    }
    if ((value >>> 53 & 7) > 1) {
      value &= ~(7L << 53);
    }
    return value;
  }
}
