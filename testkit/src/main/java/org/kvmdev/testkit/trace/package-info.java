/** Recordings of what real kernels answered: their reader and their replayer. */
package org.kvmdev.testkit.trace;
