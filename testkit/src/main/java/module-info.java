import org.jspecify.annotations.NullMarked;

/** Conformance rules for any device jar, and recordings with their reader and replayer. */
@NullMarked
module org.kvmdev.testkit {
  requires com.fasterxml.jackson.core;
  requires static org.junit.jupiter.api;
  requires transitive org.kvmdev.runtime;
}
