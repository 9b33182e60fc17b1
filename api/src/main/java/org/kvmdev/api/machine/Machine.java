package org.kvmdev.api.machine;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;

/**
 * One VM, as its devices see it.
 *
 * <p>Locks are taken in this order, and never the other way: the VM, a vCPU, the MMIO bus's
 * regions, a device's own. Pins, {@link GuestMemory} and {@link Routing#acked} need none and may be
 * used with any held, except that {@code acked} is called with the device's own released.
 */
public interface Machine {
  /**
   * The host that the VM was made on.
   *
   * @return the host
   */
  Host host();

  /**
   * The VM's type, as KVM_CREATE_VM was given it.
   *
   * @return the type
   */
  long type();

  /**
   * Where devices answer to addresses.
   *
   * @return the bus
   */
  MmioBus mmio();

  /**
   * The guest's memory.
   *
   * @return the memory
   */
  GuestMemory memory();

  /**
   * The interrupt routing table.
   *
   * @return the table
   */
  Routing routing();

  /**
   * How many vCPUs were made.
   *
   * @return the number
   */
  int vcpuCount();

  /**
   * A vCPU by the order of creation.
   *
   * @param index 0 to {@code vcpuCount() - 1}
   * @return the vCPU
   */
  Vcpu vcpu(int index);

  /**
   * A vCPU by the id that it was made with.
   *
   * @param id the id
   * @return the vCPU, or null
   */
  @Nullable Vcpu vcpuById(int id);

  /**
   * How many vCPUs the VM may have.
   *
   * @return the limit; an id is below it too
   */
  int vcpuLimit();

  /**
   * Lowers how many vCPUs the VM may have.
   *
   * @param most the new limit
   */
  void vcpuLimit(int most);

  /**
   * Whether any vCPU has run.
   *
   * @return true after the VM's first run
   */
  boolean anyVcpuRan();

  /**
   * The one object that a family shares in this VM. Made at the first call, kept until the VM ends;
   * a device holds it in a field.
   *
   * @param kind the object's class
   * @param make how it is made
   * @param <T> the object's class
   * @return the object
   */
  <T> T family(Class<T> kind, Supplier<T> make);

  /**
   * A number under which every vCPU of this VM holds one object for the caller, found without a
   * look-up.
   *
   * @return a number for {@link Vcpu#slot(int)}, not given before
   */
  int slot();

  /**
   * Takes the VM's lock and stops its vCPUs: until {@link #resume} none enters the guest, or is
   * made. It costs one atomic operation, however many vCPUs there are. A thread may do so several
   * times.
   *
   * <pre>{@code
   * machine.quiesce();
   * try {
   *   return registers.read(offset);
   * } finally {
   *   machine.resume();
   * }
   * }</pre>
   *
   * <p>Who comes while another thread has the VM's lock waits for it, and so does a vCPU that would
   * enter. A device's own lock is taken after it.
   *
   * @throws KvmException EBUSY where a vCPU runs, or is busy with a request of its own; nothing is
   *     taken then
   */
  void quiesce() throws KvmException;

  /**
   * Lets the vCPUs enter the guest again, and gives the VM's lock back.
   *
   * @throws IllegalStateException where this thread has not stopped them
   */
  void resume();

  /**
   * Does something between {@link #quiesce} and {@link #resume}.
   *
   * @param body what is done; it takes the device's lock itself
   * @param <R> what it results in
   * @return its result
   * @throws KvmException EBUSY where a vCPU runs, with nothing done; what the body throws
   */
  default <R> R quiesced(Quiesced<R> body) throws KvmException {
    quiesce();
    try {
      return body.run();
    } finally {
      resume();
    }
  }

  /**
   * Does something with the vCPUs stopped, waiting for those that run.
   *
   * @param body what is done
   */
  void withVcpusStopped(Runnable body);

  /**
   * Says which interrupt controller answers lines, routes and messages.
   *
   * @param controller the controller; null where there is none any more
   */
  void controller(@Nullable InterruptController controller);

  /**
   * The interrupt controller.
   *
   * @return what {@link #controller(InterruptController)} was given, or null
   */
  @Nullable InterruptController controller();

  /**
   * Drives a line of the VM's interrupt controller, as KVM_IRQ_LINE does: how a device that is no
   * controller itself raises its interrupt. May be called with the device's own lock held, since a
   * controller takes its own after it and calls no other device with that held. Allocates nothing.
   *
   * @param line what KVM_IRQ_LINE takes as {@code irq} on this architecture
   * @param level 1 to raise the line, 0 to lower it
   * @return 1 or more delivered, 0 coalesced, or an errno's negative
   * @throws KvmException ENXIO where there is no controller; what the architecture refuses where
   *     there is no such line
   */
  int irqLine(int line, int level) throws KvmException;

  /**
   * Plugs in a port. Ports of a kind are asked in the order in which they were plugged in.
   *
   * @param port the port
   */
  void plug(Port port);

  /**
   * What is done while no vCPU runs.
   *
   * @param <R> what it results in
   */
  @FunctionalInterface
  interface Quiesced<R> {
    /**
     * Does it.
     *
     * @return the result
     * @throws KvmException where it is refused
     */
    R run() throws KvmException;
  }
}
