package org.kvmdev.clients;

import static org.kvmdev.clients.SeededError.Access.GET;
import static org.kvmdev.clients.SeededError.Access.HAS;
import static org.kvmdev.clients.SeededError.Access.SET;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Errno;

/** Errors that a model of the GICv3 or its ITS could have, one at a time. */
enum SeededError {
  A_MISALIGNED_DISTRIBUTOR_IS_TAKEN(7, SET, 0, 2, Errno.EINVAL, null),
  A_DISTRIBUTOR_BEYOND_THE_GUESTS_ADDRESSES_IS_EINVAL(7, SET, 0, 2, Errno.E2BIG, Errno.EINVAL),
  MISALIGNED_REDISTRIBUTORS_ARE_TAKEN(7, SET, 0, 3, Errno.EINVAL, null),
  REDISTRIBUTORS_BEYOND_THE_GUESTS_ADDRESSES_ARE_TAKEN(7, SET, 0, 3, Errno.E2BIG, null),
  REDISTRIBUTORS_CAN_BE_PLACED_TWICE(7, SET, 0, 3, Errno.EEXIST, null),
  ANY_REGION_IS_TAKEN(7, SET, 0, 5, Errno.EINVAL, null),
  A_REGION_BEYOND_THE_GUESTS_ADDRESSES_IS_TAKEN(7, SET, 0, 5, Errno.E2BIG, null),
  A_REGION_THAT_CANNOT_BE_READ_IS_EINVAL(7, SET, 0, 5, Errno.EFAULT, Errno.EINVAL),
  A_REGION_THAT_THERE_IS_NOT_IS_EINVAL(7, GET, 0, 5, Errno.ENOENT, Errno.EINVAL),
  EVERY_ADDRESS_ATTRIBUTE_IS_THERE(7, HAS, 0, -1, Errno.ENXIO, null),
  REGISTERS_OF_A_VCPU_THAT_THERE_IS_NOT_ARE_EBUSY(7, GET, 5, any(), Errno.EINVAL, Errno.EBUSY),
  REGISTERS_CAN_BE_READ_BEFORE_INIT(7, GET, 5, any(), Errno.EBUSY, null),
  A_MISALIGNED_ITS_IS_TAKEN(8, SET, 0, 4, Errno.EINVAL, null),
  AN_ITS_BEYOND_THE_GUESTS_ADDRESSES_IS_TAKEN(8, SET, 0, 4, Errno.E2BIG, null),
  AN_ITS_CAN_BE_PLACED_TWICE(8, SET, 0, 4, Errno.EEXIST, null),
  /** GICR_TYPER.Last is never set. */
  NO_REDISTRIBUTOR_IS_THE_LAST(7, GET, 5, any(), null, null),
  /** What a region's attribute reads back has another count. */
  A_REGION_FORGETS_ITS_COUNT(7, GET, 0, 5, null, null),
  /** KVM_DEV_ARM_VGIC_CTRL_INIT does nothing. */
  INIT_IS_FORGOTTEN(7, SET, 4, 0, null, null),
  /** A first run finds nothing wrong. */
  A_FIRST_RUN_CHECKS_NOTHING(0, SET, 0, 0, null, null);

  /** An attribute is asked for, read or written. */
  enum Access {
    HAS,
    GET,
    SET
  }

  final int type;
  final Access access;
  final int group;
  final long attr;

  /** The refusal that is answered otherwise; null where it is a success. */
  final @Nullable Errno right;

  /** What is answered instead; null for success. */
  final @Nullable Errno wrong;

  SeededError(
      int type, Access access, int group, long attr, @Nullable Errno right, @Nullable Errno wrong) {
    this.type = type;
    this.access = access;
    this.group = group;
    this.attr = attr;
    this.right = right;
    this.wrong = wrong;
  }

  /** Stands for every attribute of a group. */
  private static long any() {
    return Long.MIN_VALUE;
  }

  boolean isOf(int deviceType, Access how, int attributeGroup, long number) {
    return type == deviceType
        && access == how
        && group == attributeGroup
        && (attr == any() || attr == number);
  }
}
