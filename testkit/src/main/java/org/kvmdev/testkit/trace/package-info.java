/** Recordings of what real kernels answered: their format, and its reader. */
package org.kvmdev.testkit.trace;
