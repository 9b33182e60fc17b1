import org.jspecify.annotations.NullMarked;

/** The device SPI, its descriptors, and what a device sees of its VM. */
@NullMarked
module org.kvmdev.api {
  requires static org.jspecify;

  exports org.kvmdev.api;
  exports org.kvmdev.api.machine;
  exports org.kvmdev.api.register;
}
