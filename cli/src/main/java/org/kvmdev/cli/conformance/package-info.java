/**
 * What {@code kvmdev test} does: holds the devices of a jar to the conformance rules, in a JVM of
 * their own, and reports.
 */
package org.kvmdev.cli.conformance;
