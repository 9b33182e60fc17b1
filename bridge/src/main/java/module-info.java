import org.jspecify.annotations.NullMarked;

/**
 * Gives programs that were written for Linux's KVM, in whatever language and for whatever
 * architecture, a /dev/kvm that kvmdev answers: a server on a Unix socket, and the C library that
 * is loaded into the program and speaks to it.
 */
@NullMarked
module org.kvmdev.bridge {
  requires transitive org.kvmdev.runtime;
  requires static org.jspecify;

  exports org.kvmdev.bridge;
}
