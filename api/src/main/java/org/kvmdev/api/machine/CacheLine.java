package org.kvmdev.api.machine;

/**
 * Room before what many threads write, so that it is in no cache line with what stands before it:
 * with an object's header almost one of 64 bytes. The JVM puts a superclass's fields first; more
 * room would put more of a subclass's fields where reaching them takes longer instructions.
 */
abstract class CacheLine {
  long room0;
  long room1;
  long room2;
  long room3;
  long room4;

  CacheLine() {}
}
