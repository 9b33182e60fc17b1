/** Replays recordings: the same calls with the same inputs, every output compared. */
package org.kvmdev.testkit.replay;
