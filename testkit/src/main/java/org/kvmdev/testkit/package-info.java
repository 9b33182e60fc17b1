/** Conformance rules that any device can be held to. */
package org.kvmdev.testkit;
