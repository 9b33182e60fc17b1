package org.kvmdev.api.machine;

/**
 * The registers of one vCPU that its host's tables declare, for a family whose logic reads or
 * writes them. They are found by name, so this is for what happens rarely: bring-up, saving,
 * restoring. What a client may not write, its family may.
 */
public interface VcpuState {
  /**
   * Whether the host's tables declare a register.
   *
   * @param name as the host's tables have it
   * @return true where they do
   */
  boolean has(String name);

  /**
   * Reads a register.
   *
   * @param name as the host's tables have it
   * @return its low 64 bits
   * @throws IllegalArgumentException where the host has no such register
   */
  long get(String name);

  /**
   * Writes a register; what is above 64 bits becomes 0.
   *
   * @param name as the host's tables have it
   * @param value the value
   * @throws IllegalArgumentException where the host has no such register
   */
  void set(String name, long value);

  /**
   * Reads the upper half of a register of 128 bits.
   *
   * @param name as the host's tables have it
   * @return bits 127:64
   * @throws IllegalArgumentException where the host has no such register
   */
  long high(String name);

  /**
   * Writes a register of 128 bits.
   *
   * @param name as the host's tables have it
   * @param low bits 63:0
   * @param high bits 127:64
   * @throws IllegalArgumentException where the host has no such register
   */
  void set(String name, long low, long high);

  /**
   * Gives the vCPU its features, and every register that is not shared its initial value.
   *
   * @param features a bit each
   */
  void reset(long features);

  /**
   * The features.
   *
   * @return what {@link #reset} was given; 0 before
   */
  long features();
}
