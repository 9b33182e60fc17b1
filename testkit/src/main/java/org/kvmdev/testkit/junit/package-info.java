/** The JUnit 5 face of the conformance rules. */
package org.kvmdev.testkit.junit;
