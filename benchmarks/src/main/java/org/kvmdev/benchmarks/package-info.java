/** The table: every hot path measured in one run, against its target. */
@NullMarked
package org.kvmdev.benchmarks;

import org.jspecify.annotations.NullMarked;
