/**
 * The ioctl face: processes, file descriptors, request numbers and structs, for whatever speaks
 * bytes.
 */
package org.kvmdev.runtime.ioctl;
