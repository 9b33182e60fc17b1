package org.kvmdev.bridge;

/**
 * Memory that was copied while a request was answered.
 *
 * @param address where the client has it
 * @param bytes what was copied
 * @param out whether to the client
 */
record Transfer(long address, byte[] bytes, boolean out) {}
