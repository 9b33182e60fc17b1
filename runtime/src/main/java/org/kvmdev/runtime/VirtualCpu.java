package org.kvmdev.runtime;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Vcpu;

/** One vCPU: what devices see of it, and the lock that is held while it runs. */
final class VirtualCpu implements Vcpu {
  private static final VarHandle PIN;
  private static final VarHandle OWNER;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      PIN = MethodHandles.arrayElementVarHandle(boolean[].class).withInvokeExactBehavior();
      OWNER =
          lookup.findVarHandle(VirtualCpu.class, "owner", Object.class).withInvokeExactBehavior();
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** How many pins there can be. */
  private static final int PINS = 32;

  /**
   * As many bytes as a cache line has are before and behind the pins, wherever their array is moved
   * to: they are written by whoever drives the vCPU's interrupts, again and again.
   */
  private static final int APART = 64;

  /** Held by the thread that runs the vCPU; that another has it is what EBUSY means. */
  final VcpuLock lock = new VcpuLock();

  /** That the access under way was declined; the running thread's alone. */
  boolean declined;

  /**
   * The region of the bus that was looked for last; the running thread's alone. A guest goes to and
   * fro between two, of which none need be looked for again.
   */
  Bus.Entry lastRegion = Bus.Entry.NONE;

  /** The one that was looked for before. */
  Bus.Entry otherRegion = Bus.Entry.NONE;

  /** That the system register accessed is undefined; the running thread's alone. */
  boolean undefined;

  private final VirtualMachine machine;
  private final int index;
  private final int id;
  private final RegisterStore registers;
  private volatile boolean ran;
  private final boolean[] pins = new boolean[APART + PINS + APART];
  private volatile @Nullable Object owner;
  private volatile @Nullable Object[] slots = {};
  private volatile @Nullable PinListener listener;

  VirtualCpu(VirtualMachine machine, int index, int id) {
    this.machine = machine;
    this.index = index;
    this.id = id;
    this.registers = new RegisterStore(machine, id, machine.sharedRegisters);
  }

  @Override
  public int index() {
    return index;
  }

  @Override
  public int id() {
    return id;
  }

  @Override
  public Machine machine() {
    return machine;
  }

  @Override
  public boolean ran() {
    return ran;
  }

  /**
   * Takes the vCPU for this thread, waiting until no other has it and the vCPUs are not stopped.
   *
   * @return false where this thread has it already
   */
  boolean take() {
    return machine.take(this);
  }

  /** Gives the vCPU back. */
  void giveBack() {
    lock.unlock();
  }

  void setRan() {
    ran = true;
  }

  @Override
  public void pin(int pin, boolean high) {
    // A pin is driven under its device's lock, so it needs no atomic update.
    boolean[] all = pins;
    int at = place(pin);
    if ((boolean) PIN.getOpaque(all, at) != high) {
      PIN.setRelease(all, at, high);
      changed(pin, high);
    }
  }

  /** Where in the array a pin is. */
  private static int place(int pin) {
    return APART + Objects.checkIndex(pin, PINS);
  }

  private void changed(int pin, boolean high) {
    PinListener told = listener;
    if (told != null) {
      told.changed(pin, high);
    }
  }

  @Override
  public boolean pin(int pin) {
    return (boolean) PIN.getAcquire(pins, place(pin));
  }

  void onPin(@Nullable PinListener told) {
    listener = told;
  }

  @Override
  public RegisterStore registers() {
    return registers;
  }

  @Override
  public @Nullable Object owner() {
    return owner;
  }

  @Override
  public boolean own(Object controller) {
    return OWNER.compareAndSet(this, (Object) null, controller);
  }

  @Override
  public void disown(Object controller) {
    OWNER.compareAndSet(this, controller, (Object) null);
  }

  @Override
  public @Nullable Object slot(int slot) {
    Object[] all = slots;
    return slot < all.length ? all[slot] : null;
  }

  @Override
  public synchronized void slot(int slot, @Nullable Object state) {
    @Nullable Object[] next = Arrays.copyOf(slots, Math.max(slots.length, slot + 1));
    next[slot] = state;
    slots = next;
  }

  @Override
  public long decline() {
    declined = true;
    return 0;
  }

  @Override
  public long undefined() {
    undefined = true;
    return 0;
  }

  @Override
  public String toString() {
    return "vCPU " + id;
  }
}
