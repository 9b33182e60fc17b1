package org.kvmdev.api;

import java.util.Map;

/**
 * One register of a host's vCPUs, as the host's tables declare it. What shows it (an id of
 * KVM_GET_ONE_REG, a field of a structure) is a {@link RegisterView}.
 *
 * @param index its place in the order of declaration
 * @param name the manual's name
 * @param bytes its width: 1, 2, 4, 8 or 16
 * @param initial what a fresh vCPU has in its low 64 bits; the bits above are 0
 * @param byFeature the initial value of a vCPU that has a feature, where it is another one
 * @param numbered whether the vCPU's id is added to the initial value
 * @param shared whether all vCPUs of a VM have one value
 * @param feature the number of the feature without which a vCPU has no such register; negative
 *     where every vCPU has it
 * @param cpuBits the bits that the CPU has: what else a client wrote goes when the vCPU runs
 */
public record CpuRegister(
    int index,
    String name,
    int bytes,
    long initial,
    Map<Integer, Long> byFeature,
    boolean numbered,
    boolean shared,
    int feature,
    long cpuBits) {
  /** A register of a declaration. */
  public CpuRegister {
    byFeature = Map.copyOf(byFeature);
  }

  /**
   * Whether a vCPU has the register.
   *
   * @param features the vCPU's features, a bit each
   * @return true where it has
   */
  public boolean isOn(long features) {
    return feature < 0 || (features >>> feature & 1) != 0;
  }

  /**
   * What a fresh vCPU has in the register's low 64 bits.
   *
   * @param features the vCPU's features, a bit each
   * @param id the vCPU's id
   * @return the value
   */
  public long initial(long features, int id) {
    long value = initial;
    for (Map.Entry<Integer, Long> other : byFeature.entrySet()) {
      if ((features >>> other.getKey() & 1) != 0) {
        value = other.getValue();
      }
    }
    return numbered ? value + id : value;
  }

  @Override
  public String toString() {
    return name;
  }
}
