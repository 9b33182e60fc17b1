/**
 * What registers are declared with: an enum whose constants carry a {@link
 * org.kvmdev.api.register.RegisterSpec}, and a {@link org.kvmdev.api.register.RegisterMap} that
 * finds the constant of an offset.
 *
 * {@snippet file="org/kvmdev/runtime/course/MeterRegister.java" region="registers"}
 *
 * <p>The device has one exhaustive {@code switch} for reads and one for writes, so a register that
 * is added does not compile until it is handled. Where a guest's access has side effects that a
 * client's has not, these stand in the handler of the guest's.
 *
 * {@snippet file="org/kvmdev/runtime/course/MeterDevice.java" region="registers"}
 */
package org.kvmdev.api.register;
