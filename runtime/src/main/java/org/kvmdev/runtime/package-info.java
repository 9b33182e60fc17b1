/**
 * The typed face: VMs, vCPUs, devices and snapshots for Java programs, and the discovery of
 * providers.
 */
package org.kvmdev.runtime;
