package org.kvmdev.testkit.trace;

/**
 * A line of a recording that is no call.
 *
 * @param line its number in the file, from 1
 * @param message what is wrong and what would be right
 */
public record BrokenLine(int line, String message) {}
