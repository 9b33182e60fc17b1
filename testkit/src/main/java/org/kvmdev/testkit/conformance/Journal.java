package org.kvmdev.testkit.conformance;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.Port;

/** What happened to the devices of an {@link ObservedProvider}: each call that reached one. */
final class Journal {
  private final List<String> events = new ArrayList<>();
  private final List<String> faults = new ArrayList<>();
  private final List<Port> ports = new ArrayList<>();

  /** What is done within creation, and within init; for rules about locks. */
  private volatile Hook creating = (machine, device) -> {};

  private volatile Hook initialising = (machine, device) -> {};

  /** Something that is done in the middle of a call. */
  @FunctionalInterface
  interface Hook {
    void run(Machine machine, Object device);
  }

  synchronized void note(String event) {
    events.add(event);
  }

  /** Notes that something else than a refusal left a device. */
  synchronized void fault(String where, Throwable fault) {
    StackTraceElement[] stack = fault.getStackTrace();
    faults.add(where + " threw " + fault + (stack.length == 0 ? "" : " at " + stack[0]));
  }

  /** How often something happened: {@code create}, {@code init}, {@code destroy}, … */
  synchronized int count(String event) {
    return Collections.frequency(events, event);
  }

  /** How many devices ended, by either way. */
  int ended() {
    return count("destroy") + count("release");
  }

  synchronized void port(Port port) {
    ports.add(port);
  }

  /** The ports that the provider plugged into the VM, of one kind. */
  synchronized <P extends Port> List<P> ports(Class<P> kind) {
    return ports.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  synchronized List<String> events() {
    return List.copyOf(events);
  }

  synchronized List<String> faults() {
    return List.copyOf(faults);
  }

  void whileCreating(Hook hook) {
    creating = hook;
  }

  void whileInitialising(Hook hook) {
    initialising = hook;
  }

  Hook creating() {
    return creating;
  }

  Hook initialising() {
    return initialising;
  }
}
