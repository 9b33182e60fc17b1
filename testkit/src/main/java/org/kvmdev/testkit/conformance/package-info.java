/**
 * The rules that every device is held to, as plain Java: a test framework is not needed.
 *
 * <p>A {@link org.kvmdev.testkit.conformance.Rule} has a name that says it ({@code
 * has_never_touches_addr}), the kernel's reason for it, and a check that works on any device: what
 * it needs to know, it takes from the type's descriptors.
 *
 * <pre>{@code
 * DeviceProvider provider = new UartProvider();
 * for (DeviceType type : provider.types()) {
 *   Subject subject = Subject.of(provider, type, Options.DEFAULT);
 *   Conformance.check(subject).forEach(System.out::println);
 * }
 * }</pre>
 *
 * <p>In a test class that is one line; see {@link org.kvmdev.testkit.junit.DeviceConformance}.
 *
 * <h2>What a device's author adds</h2>
 *
 * <ul>
 *   <li>How a device is brought up, where being made is not enough: {@link
 *       org.kvmdev.testkit.conformance.Options#bringUp}. The {@link
 *       org.kvmdev.testkit.conformance.Bench} that it is given makes requests as a client does.
 *   <li>Which numbers are valid, where an attribute stands for many and neither its registers nor
 *       the state's enumeration tell: {@link org.kvmdev.testkit.conformance.Options#keys}.
 *   <li>Nothing else. A device that does otherwise than a rule says, because the kernel's device
 *       does so, declares a {@link org.kvmdev.api.Departure} where it departs: at the type, the
 *       group or the attribute. The rule then checks that it really departs there, and the report
 *       lists it with its source. A departure that is not declared fails.
 *   <li>Where a rule cannot be asked at all, {@link org.kvmdev.testkit.conformance.Options#limit}
 *       skips it with a reason for the reader.
 * </ul>
 *
 * <h2>How rules look at a device</h2>
 *
 * <p>By ioctl, in a process with memory whose pages end, so that what is checked is the whole
 * system's answer: the order of errors, and every byte that is read or written. Rules about ends
 * and faults watch the device through a provider that passes every call on. Each rule makes VMs of
 * its own, and runs in a thread of its own with a time limit, so that a device that hangs is a
 * result like any other. What is tried at random is the same for the same seed, which is printed.
 *
 * <p>A device passes or fails; the rules that need a live device are skipped where {@code
 * is_created} fails.
 */
package org.kvmdev.testkit.conformance;
