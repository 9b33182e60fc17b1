/**
 * The device side of kvmdev: what a device type implements, and how it declares itself. This page
 * is a short course; what it shows is compiled and run by the build.
 *
 * <p>No parameter and no result is null unless it says so.
 *
 * <h2>A jar, a provider</h2>
 *
 * <p>A device jar has a {@link org.kvmdev.api.DeviceProvider}, found as a service: {@code
 * META-INF/services/org.kvmdev.api.DeviceProvider} names its class, and so does {@code provides …
 * with} where the jar is a module. It declares its {@link org.kvmdev.api.DeviceType}s. Third
 * parties' numbers begin at {@link org.kvmdev.api.DeviceType#FIRST_THIRD_PARTY}. This type may
 * exist once in a VM, lives until the VM ends (the default), and its state can be saved whole:
 *
 * {@snippet file="org/kvmdev/runtime/course/MeterProvider.java" region="type"}
 *
 * <p>The rest of the provider says where the type can be had, and makes devices. {@code join} is
 * called for each VM before any device exists; {@code create} with the VM's lock held.
 *
 * {@snippet file="org/kvmdev/runtime/course/MeterProvider.java" region="provider"}
 *
 * <h2>Attributes</h2>
 *
 * <p>What a client sets and reads are {@link org.kvmdev.api.Attribute}s in {@link
 * org.kvmdev.api.AttributeGroup}s, declared as an enum: place, size in bytes, access, a sentence.
 * Without more, an attribute is a number of 4 bytes that is read and written. An attribute either
 * has a number of its own, or is {@link org.kvmdev.api.Attribute#keyed keyed}: it stands for a
 * range of numbers, such as registers by offset. KVM_HAS_DEVICE_ATTR, descriptions, snapshots and
 * the conformance rules follow from the declarations.
 *
 * {@snippet file="org/kvmdev/runtime/course/MeterAttribute.java" region="attributes"}
 *
 * <h2>A device</h2>
 *
 * <p>A device extends {@link org.kvmdev.api.AttributeDevice}, which refuses what is not declared
 * and moves the data; what is left is a {@code switch} over the enum, which does not compile while
 * an attribute is not handled. The accessors are called by any thread, several at once: the device
 * takes a lock of its own, usually a {@link org.kvmdev.api.machine.DeviceLock}. HAS tells whether
 * there is such an attribute, not whether it can be accessed now.
 *
 * {@snippet file="org/kvmdev/runtime/course/MeterDevice.java" region="accessors"}
 *
 * <p>A refusal is a {@link org.kvmdev.api.KvmException}: an {@link org.kvmdev.api.Errno}, and a
 * text that says what was wrong and what would be right. A SET that is refused has changed nothing.
 * Nothing but a KvmException may leave a device: anything else is answered EIO, with a line in the
 * log that names the jar. A device does not read the caller's memory itself; one whose data have no
 * fixed size implements {@link org.kvmdev.api.DeviceOps}, and is handed a {@link
 * org.kvmdev.api.UserMemory}.
 *
 * <h2>What it is for</h2>
 *
 * <p>A client makes a VM on a {@link org.kvmdev.api.Host}, and the device in it; a guest's loads
 * and stores reach it too ({@link org.kvmdev.api.machine} has that side, interrupts and state;
 * {@link org.kvmdev.api.register} has what registers are declared with):
 *
 * {@snippet file="org/kvmdev/runtime/course/CourseTest.java" region="client"}
 *
 * <h2>Is it right?</h2>
 *
 * <p>A test class of one line, {@code class MeterConformanceTest extends DeviceConformance {}} (in
 * {@code kvmdev-testkit}), holds the type to every rule that KVM's devices keep. Where the hardware
 * does otherwise, the type declares it with {@link org.kvmdev.api.DeviceType.Builder#departs}, and
 * the rule checks that.
 */
package org.kvmdev.api;
