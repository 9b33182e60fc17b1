package org.kvmdev.devices.vgic;

import org.kvmdev.api.machine.GuestMemory;

/**
 * An ITS's command queue: a ring in guest memory, of commands of 32 bytes. Commands run when they
 * are announced, so the guest never sees one wait while the ITS is enabled. IHI 0069, chapter 5.3.
 * The LPIs' monitor is held.
 */
final class CommandQueue {
  static final long VALID = 1L << 63;

  private static final int COMMAND = 32;
  private static final int OFFSET = 0xf_ffe0;
  private static final long ADDRESS = 0x000f_ffff_ffff_f000L;

  private final Its its;
  private final GuestMemory memory;
  private final ItsCommands commands;
  private final byte[] buffer = new byte[COMMAND];

  /** GITS_CBASER. */
  long base;

  /** GITS_CREADR. */
  int reader;

  /** GITS_CWRITER. */
  int writer;

  CommandQueue(Vgic vgic, Its its) {
    this.its = its;
    memory = vgic.machine.memory();
    commands = new ItsCommands(vgic, its);
  }

  private int size() {
    return ((int) (base & 0xff) + 1) << 12;
  }

  boolean isValid() {
    return (base & VALID) != 0;
  }

  boolean isQuiescent() {
    return reader == writer;
  }

  /** GITS_CBASER is written. */
  void place(long value) {
    base = value;
    reader = 0;
    writer = 0;
  }

  /** User space writes GITS_CREADR; false beyond the end. */
  boolean readFrom(long value) {
    int offset = (int) value & OFFSET;
    if (offset >= size()) {
      return false;
    }
    reader = offset;
    return true;
  }

  /** GITS_CWRITER is written; ignored beyond the end. */
  void writeUpTo(long value) {
    int offset = (int) value & OFFSET;
    if (offset < size()) {
      writer = offset;
      run();
    }
  }

  /** Runs what waits, if the ITS is enabled; a command that is not in memory is passed over. */
  void run() {
    if (!its.enabled) {
      return;
    }
    long address = base & ADDRESS;
    while (reader != writer) {
      if (memory.read(address + reader, buffer, 0, COMMAND)) {
        commands.run(
            Bytes.load(buffer, 0),
            Bytes.load(buffer, 8),
            Bytes.load(buffer, 16),
            Bytes.load(buffer, 24));
      }
      reader += COMMAND;
      if (reader == size()) {
        reader = 0;
      }
    }
  }
}
