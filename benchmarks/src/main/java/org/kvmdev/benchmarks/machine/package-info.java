/** What is measured: each device family in a VM that is ready to be used, and its paths. */
@NullMarked
package org.kvmdev.benchmarks.machine;

import org.jspecify.annotations.NullMarked;
