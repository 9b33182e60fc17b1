/**
 * The typed face, for Java programs: {@link org.kvmdev.runtime.Kvm} finds device types and hosts,
 * makes {@link org.kvmdev.runtime.Vm}s, and these make {@link org.kvmdev.runtime.Vcpu}s and {@link
 * org.kvmdev.runtime.Device}s. Each of the latter three is a reference, as a file descriptor is
 * one, and closed as one.
 */
package org.kvmdev.runtime;
