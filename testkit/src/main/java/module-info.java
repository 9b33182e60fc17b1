import org.jspecify.annotations.NullMarked;

/** Conformance rules for any device jar, and recordings with their reader and replayer. */
@NullMarked
module org.kvmdev.testkit {
  requires com.fasterxml.jackson.core;
  requires jdk.management;
  requires static org.jspecify;
  requires static transitive org.junit.jupiter.api;
  requires transitive org.kvmdev.runtime;

  exports org.kvmdev.testkit;
  exports org.kvmdev.testkit.conformance;
  exports org.kvmdev.testkit.junit;
  exports org.kvmdev.testkit.replay;
  exports org.kvmdev.testkit.trace;

  uses org.kvmdev.api.DeviceProvider;
}
