package org.kvmdev.api.machine;

/**
 * A controller that is told when a CPU takes its interrupt, and hands the vector over with it (an
 * external proxy).
 */
public non-sealed interface InterruptTaken extends Port {
  /**
   * The vCPU takes its external interrupt.
   *
   * @param vcpu which
   */
  void taken(Vcpu vcpu);

  /**
   * The vector that was handed over last; it stays until the next.
   *
   * @param vcpu which
   * @return the vector
   */
  int vector(Vcpu vcpu);
}
