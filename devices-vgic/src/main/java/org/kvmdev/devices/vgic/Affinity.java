package org.kvmdev.devices.vgic;

/**
 * Where a vCPU stands in the hierarchy of affinities: KVM spreads ids so that each sixteen share
 * Aff1, since an SGI names up to sixteen targets by Aff0.
 */
final class Affinity {
  private Affinity() {}

  /**
   * The affinity of a vCPU.
   *
   * @param id its id
   * @return Aff2, Aff1 and Aff0, a byte each
   */
  static int of(int id) {
    return id & 0xf | (id >> 4 & 0xff) << 8 | (id >> 12 & 0xff) << 16;
  }

  /**
   * The vCPU id that has an affinity.
   *
   * @param affinity Aff2, Aff1 and Aff0
   * @return the id; -1 where none has it
   */
  static int id(int affinity) {
    int aff0 = affinity & 0xff;
    return aff0 > 0xf ? -1 : aff0 | (affinity >> 8 & 0xff) << 4 | (affinity >> 16 & 0xff) << 12;
  }
}
