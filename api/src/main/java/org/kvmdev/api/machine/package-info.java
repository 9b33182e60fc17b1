/**
 * What a device sees of its VM: {@link org.kvmdev.api.machine.Machine}, its vCPUs with their pins,
 * the MMIO bus, guest memory and routing; and the ports by which a family adds what its
 * architecture has, so that the core knows none ({@link org.kvmdev.api.machine.Port}).
 */
package org.kvmdev.api.machine;
