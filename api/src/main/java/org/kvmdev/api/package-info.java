/**
 * The device side of kvmdev: what a device type implements, and how it declares itself.
 *
 * <p>A device jar has one {@link org.kvmdev.api.DeviceProvider}, which names its {@link
 * org.kvmdev.api.DeviceType}s and makes {@link org.kvmdev.api.DeviceOps}. A type declares its
 * {@link org.kvmdev.api.AttributeGroup}s and {@link org.kvmdev.api.Attribute}s in an enum; a device
 * that extends {@link org.kvmdev.api.AttributeDevice} answers KVM_HAS/GET/SET_DEVICE_ATTR from it:
 *
 * <pre>{@code
 * enum CounterAttribute implements AttributeId {
 *   COUNT(Attribute.of(GROUP, 0, "COUNT", "How often the counter was read.").size(8).build());
 *   ...
 * }
 *
 * final class Counter extends AttributeDevice<CounterAttribute> {
 *   protected long get(CounterAttribute attribute, long attr) {
 *     return switch (attribute) {
 *       case COUNT -> count++;
 *     };
 *   }
 *   ...
 * }
 * }</pre>
 *
 * <p>What a device sees of its VM is in {@link org.kvmdev.api.machine}; what registers are declared
 * with is in {@link org.kvmdev.api.register}. No parameter and no result is null unless it says so.
 */
package org.kvmdev.api;
