package org.kvmdev.runtime;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Vcpu;

/** One vCPU: what devices see of it, and the lock that is held while it runs. */
final class VirtualCpu implements Vcpu {
  private static final VarHandle PINS;
  private static final VarHandle OWNER;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      PINS = lookup.findVarHandle(VirtualCpu.class, "pins", int.class);
      OWNER = lookup.findVarHandle(VirtualCpu.class, "owner", Object.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Held by the thread that runs the vCPU; trying it in vain is what EBUSY means. */
  final ReentrantLock lock = new ReentrantLock();

  /** That the access under way was declined; the running thread's alone. */
  boolean declined;

  /** That the system register accessed is undefined; the running thread's alone. */
  boolean undefined;

  private final VirtualMachine machine;
  private final int index;
  private final int id;
  private volatile boolean ran;
  private volatile int pins;
  private volatile @Nullable Object owner;
  private volatile @Nullable Object[] slots = {};
  private volatile @Nullable PinListener listener;

  VirtualCpu(VirtualMachine machine, int index, int id) {
    this.machine = machine;
    this.index = index;
    this.id = id;
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

  void setRan() {
    ran = true;
  }

  @Override
  public void pin(int pin, boolean high) {
    int bit = 1 << pin;
    // Most calls repeat the level: a plain look is cheaper than an atomic update.
    if ((pins & bit) != 0 == high) {
      return;
    }
    int before =
        high ? (int) PINS.getAndBitwiseOr(this, bit) : (int) PINS.getAndBitwiseAnd(this, ~bit);
    PinListener told = listener;
    if (told != null && (before & bit) != 0 != high) {
      told.changed(pin, high);
    }
  }

  @Override
  public boolean pin(int pin) {
    return (pins & 1 << pin) != 0;
  }

  void onPin(@Nullable PinListener told) {
    listener = told;
  }

  @Override
  public @Nullable Object owner() {
    return owner;
  }

  @Override
  public boolean own(Object controller) {
    return OWNER.compareAndSet(this, null, controller);
  }

  @Override
  public void disown(Object controller) {
    OWNER.compareAndSet(this, controller, null);
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
