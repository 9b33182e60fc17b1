import org.jspecify.annotations.NullMarked;

/** The {@code kvmdev} command. */
@NullMarked
module org.kvmdev.cli {
  requires com.fasterxml.jackson.core;
  requires info.picocli;
  requires org.kvmdev.bridge;
  requires org.kvmdev.testkit;
  requires static org.jspecify;

  // picocli fills in the fields of the command's classes.
  opens org.kvmdev.cli to
      info.picocli;
  opens org.kvmdev.cli.conformance to
      info.picocli;
}
