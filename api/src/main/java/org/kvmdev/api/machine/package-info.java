/**
 * What a device sees of its VM: {@link org.kvmdev.api.machine.Machine}, its vCPUs with their pins,
 * the MMIO bus, guest memory and routing; and the ports by which a family adds what its
 * architecture has, so that the core knows none ({@link org.kvmdev.api.machine.Port}). It goes on
 * with the course of {@link org.kvmdev.api}.
 *
 * <h2>What the guest reaches</h2>
 *
 * <p>A device adds a {@link org.kvmdev.api.machine.MmioHandler} to the {@link
 * org.kvmdev.api.machine.MmioBus}. Accesses are numbers of 1, 2, 4 or 8 bytes; what the device does
 * not take it declines, and user space answers. Nothing that a guest does may throw, and nothing is
 * allocated on this path.
 *
 * {@snippet file="org/kvmdev/runtime/course/MeterDevice.java" region="guest"}
 *
 * <p>Regions are added and removed at any time. Locks are taken in the order VM, vCPUs, bus,
 * device: so the device's own is not held here.
 *
 * {@snippet file="org/kvmdev/runtime/course/MeterDevice.java" region="place"}
 *
 * <h2>Interrupts</h2>
 *
 * <p>A device that is no interrupt controller drives a line of the VM's, with the number that
 * KVM_IRQ_LINE takes on this architecture ({@link org.kvmdev.api.machine.Machine#irqLine}). A
 * controller implements {@link org.kvmdev.api.machine.InterruptController}, tells the machine so,
 * and drives the vCPUs' pins ({@link org.kvmdev.api.machine.Vcpu#pin(int, boolean)}).
 *
 * {@snippet file="org/kvmdev/runtime/course/MeterDevice.java" region="line"}
 *
 * <h2>State</h2>
 *
 * <p>What the devices of one VM share is a family's object, kept by the machine ({@link
 * org.kvmdev.api.machine.Machine#family}). As a {@link org.kvmdev.api.machine.StateSource} it tells
 * what is saved, in the order in which it is restored; saving reads the attributes, restoring
 * writes them into a device that was made and has not been used.
 *
 * {@snippet file="org/kvmdev/runtime/course/MeterFamily.java" region="family"}
 *
 * <p>A device that has ended is not among its family any more. Its end comes once: when the VM
 * ends, when its last reference goes ({@link org.kvmdev.api.Lifetime}), or when creation fails
 * after the device was made, since the client has no file descriptor left.
 *
 * {@snippet file="org/kvmdev/runtime/course/MeterDevice.java" region="end"}
 */
package org.kvmdev.api.machine;
