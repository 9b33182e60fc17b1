/**
 * What registers are declared with: an enum whose constants carry a {@link
 * org.kvmdev.api.register.RegisterSpec}, and a {@link org.kvmdev.api.register.RegisterMap} that
 * finds the constant of an offset. The device has one exhaustive {@code switch} for reads and one
 * for writes, so a register that is added does not compile until it is handled.
 *
 * <pre>{@code
 * enum TimerRegister implements Register {
 *   COUNT(RegisterSpec.at(0x0, "Counts down.").readOnly()),
 *   BASE(RegisterSpec.at(0x4, "What COUNT begins with.").reset(0x8000_0000L).saved());
 *   ...
 * }
 * }</pre>
 */
package org.kvmdev.api.register;
