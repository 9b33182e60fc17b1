package org.kvmdev.api.machine;

/**
 * Who answers accesses to a region. Called on the vCPU's thread without the VM's lock; takes its
 * own, and allocates nothing. Data are numbers: byte order is the runtime's. An access can be
 * declined with {@link Vcpu#decline}, even after side effects.
 */
public interface MmioHandler {
  /**
   * A load.
   *
   * @param vcpu who loads
   * @param offset from the region's begin
   * @param size 1, 2, 4 or 8
   * @return what is read; bits above the size are dropped
   */
  long read(Vcpu vcpu, long offset, int size);

  /**
   * A store.
   *
   * @param vcpu who stores
   * @param offset from the region's begin
   * @param size 1, 2, 4 or 8
   * @param value what is written, zero-extended
   * @return anything, so that {@code return vcpu.decline();} reads alike
   */
  long write(Vcpu vcpu, long offset, int size, long value);
}
