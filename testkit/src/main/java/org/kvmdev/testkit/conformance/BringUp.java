package org.kvmdev.testkit.conformance;

import org.kvmdev.api.KvmException;

/**
 * What a client does with a device that it has just made, until its attributes can be used: connect
 * vCPUs, map addresses, initialise. Rules whose subject is a working device begin after it.
 */
@FunctionalInterface
public interface BringUp {
  /** For devices that work once they are made. */
  BringUp NONE = bench -> {};

  /**
   * Brings the device up.
   *
   * @param bench the device, its VM and its vCPUs
   * @throws KvmException where a step is refused, which fails the rule
   */
  void bringUp(Bench bench) throws KvmException;
}
