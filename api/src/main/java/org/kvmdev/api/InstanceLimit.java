package org.kvmdev.api;

/**
 * How many devices of an exclusion group a VM may have, and what one too many answers. Types that
 * name the same group exclude each other (both MPICs; GICv2 and GICv3).
 *
 * @param group the exclusion group's name; a type that excludes only itself gives its own name
 * @param most how many of the group a VM may have
 * @param refusal the errno of one too many
 */
public record InstanceLimit(String group, int most, Errno refusal) {
  /** Checks the number. */
  public InstanceLimit {
    if (most < 1) {
      throw new IllegalArgumentException(group + ": a limit of " + most + " allows no device");
    }
  }
}
