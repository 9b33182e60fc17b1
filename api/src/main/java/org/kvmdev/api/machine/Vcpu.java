package org.kvmdev.api.machine;

import org.jspecify.annotations.Nullable;

/** One vCPU, as devices see it. Its pins are its own: they start low and outlive every device. */
public interface Vcpu {
  /**
   * Its place in the order of creation.
   *
   * @return 0 for the VM's first
   */
  int index();

  /**
   * The id that it was made with.
   *
   * @return the id
   */
  int id();

  /**
   * Its VM.
   *
   * @return the VM
   */
  Machine machine();

  /**
   * Whether it has run.
   *
   * @return true after its first run
   */
  boolean ran();

  /**
   * Drives an interrupt pin. From any thread, with any lock held; never blocks. Of two threads that
   * drive one pin, a lock of the device's decides who is last.
   *
   * @param pin 0 for the first
   * @param high whether it is asserted
   */
  void pin(int pin, boolean high);

  /**
   * Reads an interrupt pin.
   *
   * @param pin 0 for the first
   * @return whether it is asserted
   */
  boolean pin(int pin);

  /**
   * The controller that the vCPU is connected to.
   *
   * @return the controller, or null
   */
  @Nullable Object owner();

  /**
   * Connects the vCPU to a controller; it can be connected to one.
   *
   * @param controller which
   * @return false where it is connected already
   */
  boolean own(Object controller);

  /**
   * Disconnects the vCPU.
   *
   * @param controller which controller, and no other
   */
  void disown(Object controller);

  /**
   * The registers that its host's tables declare.
   *
   * @return the registers
   */
  VcpuState registers();

  /**
   * What a device keeps for this vCPU.
   *
   * @param slot a number from {@link Machine#slot()}
   * @return what was put there, or null
   */
  @Nullable Object slot(int slot);

  /**
   * Keeps an object for this vCPU.
   *
   * @param slot a number from {@link Machine#slot()}
   * @param state the object, or null
   */
  void slot(int slot, @Nullable Object state);

  /**
   * What an {@link MmioHandler} returns to decline an access, also after side effects: {@code
   * return vcpu.decline();}. The next region is tried, then user space.
   *
   * @return 0
   */
  long decline();

  /**
   * What {@link SystemRegisters} return for a register that traps as undefined: {@code return
   * vcpu.undefined();}.
   *
   * @return 0
   */
  long undefined();
}
