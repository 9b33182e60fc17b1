package org.kvmdev.testkit.replay;

/**
 * A call that a replay answered otherwise than the recorded kernel.
 *
 * @param line where the call stands in its file, from 1
 * @param call the call in words, with names instead of numbers
 * @param expected what the recorded kernel answered
 * @param got what the replay answered, with the reason of a refusal
 */
public record Difference(int line, String call, String expected, String got) {}
