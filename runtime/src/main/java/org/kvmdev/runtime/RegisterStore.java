package org.kvmdev.runtime;

import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.CpuRegister;
import org.kvmdev.api.Errno;
import org.kvmdev.api.HostTables;
import org.kvmdev.api.HostTables.Structure;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.RegisterView;
import org.kvmdev.api.RegisterView.Rule;
import org.kvmdev.api.UserMemory;
import org.kvmdev.api.machine.VcpuState;

/**
 * The registers of one vCPU that its host's tables declare: their values, and the rules by which
 * user space reads and writes them. Who uses it has the vCPU's lock; what all vCPUs of a VM share
 * is guarded by itself.
 */
final class RegisterStore implements VcpuState {
  private final VirtualMachine machine;
  private final HostTables tables;
  private final int id;
  private final boolean bigEndian;
  private final long[] low;
  private final long[] high;
  private final CpuRegister[] narrowed;

  /** The values of shared registers, for all vCPUs of the VM; guarded by itself. */
  private final long[] shared;

  private long features;

  RegisterStore(VirtualMachine machine, int id, long[] shared) {
    this.machine = machine;
    this.id = id;
    this.shared = shared;
    tables = machine.host().tables();
    bigEndian = machine.host().byteOrder() == ByteOrder.BIG_ENDIAN;
    low = new long[tables.registers().size()];
    high = new long[low.length];
    narrowed = tables.narrowed().toArray(CpuRegister[]::new);
    reset(0);
  }

  /** The values that shared registers begin with. */
  static long[] shared(HostTables tables) {
    return tables.registers().stream().mapToLong(CpuRegister::initial).toArray();
  }

  @Override
  public void reset(long now) {
    features = now;
    for (CpuRegister register : tables.registers()) {
      low[register.index()] = register.initial(now, id);
      high[register.index()] = 0;
    }
  }

  @Override
  public long features() {
    return features;
  }

  @Override
  public boolean has(String name) {
    return tables.register(name) != null;
  }

  @Override
  public long get(String name) {
    return low(find(name));
  }

  @Override
  public long high(String name) {
    return high[find(name).index()];
  }

  @Override
  public void set(String name, long value) {
    set(name, value, 0);
  }

  @Override
  public void set(String name, long lowHalf, long highHalf) {
    store(find(name), lowHalf, highHalf);
  }

  private CpuRegister find(String name) {
    CpuRegister register = tables.register(name);
    if (register == null) {
      throw new IllegalArgumentException("host " + machine.host() + " has no register " + name);
    }
    return register;
  }

  private long low(CpuRegister register) {
    if (!register.shared()) {
      return low[register.index()];
    }
    synchronized (shared) {
      return shared[register.index()];
    }
  }

  private void store(CpuRegister register, long lowHalf, long highHalf) {
    int bytes = register.bytes();
    long value = bytes >= 8 ? lowHalf : lowHalf & (1L << 8 * bytes) - 1;
    if (register.shared()) {
      synchronized (shared) {
        shared[register.index()] = value;
      }
      return;
    }
    low[register.index()] = value;
    high[register.index()] = bytes > 8 ? highHalf : 0;
  }

  /** The vCPU is about to run: what its CPU does not have of a register goes. */
  void run() {
    for (int i = 0; i < narrowed.length; i++) {
      low[narrowed[i].index()] &= narrowed[i].cpuBits();
    }
  }

  /** What shows a register of an id, or null where the vCPU has none. */
  @Nullable RegisterView find(long oneReg) {
    RegisterView view = tables.oneReg(oneReg);
    return view == null || !view.register().isOn(features) ? null : view;
  }

  /** The ids of KVM_GET_REG_LIST. */
  long[] list() {
    return tables.oneRegs().stream()
        .filter(view -> view.readable() && view.register().isOn(features))
        .mapToLong(RegisterView::where)
        .toArray();
  }

  /** The low 64 bits of what a view shows. */
  long low(RegisterView view) throws KvmException {
    if (!view.readable()) {
      throw new KvmException(Errno.EINVAL, "the register of id %#x cannot be read", view.where());
    }
    long value = low(view.register());
    return view.bytes() >= 8 ? value : value & (1L << 8 * view.bytes()) - 1;
  }

  /** The bits above 64 of what a view shows. */
  long high(RegisterView view) {
    return view.bytes() > 8 ? high[view.register().index()] : 0;
  }

  /** Writes a register through a view, by the view's rules. */
  void set(RegisterView view, long lowHalf, long highHalf) throws KvmException {
    change(view, lowHalf, highHalf, List.of(), new long[0]).forEach(Change::make);
  }

  /** Copies a structure out. */
  void copyOut(Structure structure, int size, UserMemory memory, long address) throws KvmException {
    byte[] bytes = constant(structure, size);
    for (RegisterView field : structure.fields()) {
      if (field.readable() && field.register().isOn(features)) {
        put(bytes, (int) field.where(), field.bytes(), low(field.register()), high(field));
      }
    }
    memory.write(address, bytes, 0, size);
  }

  /** A structure without its fields. */
  static byte[] constant(Structure structure, int size) {
    byte[] bytes = new byte[size];
    structure
        .data()
        .forEach((offset, data) -> System.arraycopy(data, 0, bytes, offset, data.length));
    return bytes;
  }

  /** Copies a structure in: all fields are looked at before one is written. */
  void copyIn(Structure structure, int size, UserMemory memory, long address) throws KvmException {
    byte[] bytes = new byte[size];
    memory.read(address, bytes, 0, size);
    List<RegisterView> fields = structure.fields();
    long[] values = new long[fields.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = number(bytes, (int) fields.get(i).where(), Math.min(8, fields.get(i).bytes()));
    }
    List<Change> changes = new ArrayList<>();
    for (int i = 0; i < values.length; i++) {
      changes.addAll(change(fields.get(i), values[i], 0, fields, values));
    }
    changes.forEach(Change::make);
  }

  /** One value on its way into the store. */
  private record Change(RegisterStore store, CpuRegister register, long low, long high) {
    void make() {
      store.store(register, low, high);
    }
  }

  /** What writing a view comes to. */
  private List<Change> change(
      RegisterView view, long given, long highHalf, List<RegisterView> fields, long[] values)
      throws KvmException {
    CpuRegister register = view.register();
    if (!register.isOn(features)) {
      return List.of();
    }
    long current = low(register);
    long value = given;
    for (Rule rule : view.rules()) {
      switch (rule.kind()) {
        case CONST -> {
          require(value == current && highHalf == high(view), Errno.EINVAL, view, given);
          return List.of();
        }
        case KEPT -> {
          return List.of();
        }
        case REFUSED -> require(false, Errno.EINVAL, view, given);
        case MASK -> value = current & ~rule.mask() | value & rule.mask();
        case BITS -> require((value & ~rule.mask()) == 0, Errno.EINVAL, view, given);
        case VALUES ->
            require(rule.values().contains(value & rule.mask()), Errno.EINVAL, view, given);
        case MAX ->
            require(Long.compareUnsigned(value, rule.mask()) <= 0, Errno.EINVAL, view, given);
        case ALIGN -> value = value + rule.mask() - 1 & -rule.mask();
        case FROZEN -> require(value == current || !machine.anyVcpuRan(), Errno.EBUSY, view, given);
        case SETS -> {
          CpuRegister other = find(rule.other());
          return List.of(new Change(this, other, low(other) | value, 0));
        }
        case CLEARS -> {
          CpuRegister other = find(rule.other());
          return List.of(new Change(this, other, low(other) & ~value, 0));
        }
        case WHEN -> {
          boolean holds = false;
          for (int i = 0; i < values.length; i++) {
            holds |=
                fields.get(i).register().name().equals(rule.other())
                    && (values[i] & rule.mask()) != 0;
          }
          if (!holds) {
            return List.of();
          }
        }
      }
    }
    if (view.bytes() >= register.bytes()) {
      return List.of(new Change(this, register, value, highHalf));
    }
    // A part of the register is shown: the rest stays.
    long shown = view.bytes() >= Long.BYTES ? -1 : (1L << 8 * view.bytes()) - 1;
    return List.of(
        new Change(this, register, current & ~shown | value & shown, high[register.index()]));
  }

  private static void require(boolean allowed, Errno errno, RegisterView view, long value)
      throws KvmException {
    if (!allowed) {
      throw new KvmException(
          errno, "the register at %#x cannot be set to %#x", view.where(), value);
    }
  }

  private void put(byte[] bytes, int at, int size, long lowHalf, long highHalf) {
    for (int i = 0; i < size; i++) {
      long half = i < 8 ? lowHalf : highHalf;
      bytes[bigEndian ? at + size - 1 - i : at + i] = (byte) (half >>> 8 * (i & 7));
    }
  }

  private long number(byte[] bytes, int at, int size) {
    long value = 0;
    for (int i = 0; i < size; i++) {
      value |= (bytes[bigEndian ? at + size - 1 - i : at + i] & 0xffL) << 8 * i;
    }
    return value;
  }
}
