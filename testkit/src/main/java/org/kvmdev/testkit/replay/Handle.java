package org.kvmdev.testkit.replay;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceType;
import org.kvmdev.runtime.SystemRegister;
import org.kvmdev.runtime.Vcpu;
import org.kvmdev.runtime.Vm;

/** What a recording made and gave a name: a VM, a vCPU or a device. */
final class Handle {
  /** A number that names no file. */
  static final int NO_FILE = -1;

  final String name;
  final int descriptor;
  boolean open;

  /** A device's type, for people; null for a VM and a vCPU. */
  @Nullable DeviceType type;

  /** A vCPU; null for a VM and a device. */
  @Nullable Vcpu vcpu;

  /** The VM that it is or belongs to. */
  @Nullable VmState vm;

  Handle(String name, int descriptor) {
    this.name = name;
    this.descriptor = descriptor;
    this.open = descriptor >= 0;
  }

  /** What a replay keeps for a VM, also when the VM's own file is closed. */
  static final class VmState {
    final Vm vm;
    final Map<Integer, Slot> slots = new HashMap<>();
    private final Map<String, SystemRegister> registers = new HashMap<>();

    VmState(Vm vm) {
      this.vm = vm;
    }

    SystemRegister register(String name) {
      return registers.computeIfAbsent(name, vm::systemRegister);
    }

    /** The slot that some guest memory is in, or null. */
    @Nullable Slot slot(long address, int length) {
      for (Slot slot : slots.values()) {
        long offset = address - slot.guest;
        if (offset >= 0 && offset + length <= slot.size) {
          return slot;
        }
      }
      return null;
    }
  }

  /** A memory slot: guest physical addresses, and where the process has their bytes. */
  record Slot(long guest, long size, long user) {}
}
