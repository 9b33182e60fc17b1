package org.kvmdev.api;

/**
 * A place where a device type does otherwise than the API's general rules, declared with its
 * source. The conformance rules accept what is declared, check that it is really so, and fail what
 * is not.
 *
 * @param rule the name of the rule that is departed from: {@code has_agrees_with_get_and_set};
 *     where the type does otherwise than its own document, a name that begins with {@code
 *     documented_}, which is listed and not checked
 * @param what what the device does instead, a sentence
 * @param source where that is written or was recorded
 */
public record Departure(String rule, String what, String source) {}
