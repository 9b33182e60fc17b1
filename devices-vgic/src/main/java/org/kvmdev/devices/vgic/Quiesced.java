package org.kvmdev.devices.vgic;

import java.util.concurrent.atomic.AtomicReference;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.Machine;

/**
 * An access to registers while no vCPU runs. It is an object that is used again and again, so that
 * an access allocates nothing.
 *
 * @param <A> the attributes of the device
 */
final class Quiesced<A> {
  private final Machine machine;
  private final Body<A> body;
  private final AtomicReference<Access> spare = new AtomicReference<>();

  /**
   * What is done.
   *
   * @param <A> the attributes of the device
   */
  @FunctionalInterface
  interface Body<A> {
    /**
     * Reads or writes.
     *
     * @param attribute which attribute
     * @param attr its whole number
     * @param cpu the vCPU that it means
     * @param write whether it is written
     * @param value what is written
     * @return what is read
     * @throws KvmException where it is refused
     */
    long access(A attribute, long attr, VgicCpu cpu, boolean write, long value) throws KvmException;
  }

  Quiesced(Machine machine, Body<A> body) {
    this.machine = machine;
    this.body = body;
  }

  long read(A attribute, long attr, VgicCpu cpu) throws KvmException {
    return access(attribute, attr, cpu, false, 0);
  }

  void write(A attribute, long attr, VgicCpu cpu, long value) throws KvmException {
    access(attribute, attr, cpu, true, value);
  }

  private long access(A attribute, long attr, VgicCpu cpu, boolean write, long value)
      throws KvmException {
    Access access = spare.getAndSet(null);
    if (access == null) {
      access = new Access(attribute, cpu);
    }
    access.attribute = attribute;
    access.attr = attr;
    access.cpu = cpu;
    access.write = write;
    access.value = value;
    try {
      machine.quiesced(access);
      return access.value;
    } finally {
      spare.set(access);
    }
  }

  /** One access. */
  private final class Access implements Machine.Quiesced<Access> {
    A attribute;
    VgicCpu cpu;
    long attr;
    boolean write;
    long value;

    Access(A attribute, VgicCpu cpu) {
      this.attribute = attribute;
      this.cpu = cpu;
    }

    @Override
    public Access run() throws KvmException {
      value = body.access(attribute, attr, cpu, write, value);
      return this;
    }
  }
}
