package org.kvmdev.runtime;

/**
 * A client's eventfd, as KVM_IRQFD and KVM_IOEVENTFD hold it: a count that one side adds to and the
 * other is told of. In this process it is a {@linkplain
 * org.kvmdev.runtime.ioctl.KvmProcess#openEvent file}; a bridge to another process has its own,
 * that reaches the other process's descriptor.
 *
 * <p>Two descriptors of one eventfd are the same event: {@code equals} says so.
 */
public interface Event {
  /** Adds 1 to the count: a device tells the client. Never blocks. */
  void signal();

  /**
   * Has a listener told of every signal of the client's. What the client has added is taken out of
   * the count before. A count that is there already is told at once, and stays.
   *
   * @param listener who is told, on the thread that signals
   * @return what ends it
   */
  Subscription listen(Listener listener);

  /** Who is told. */
  interface Listener {
    /** The client has signalled. */
    void signalled();

    /** The client's last descriptor is closed; nothing will come any more. */
    void ended();
  }

  /** What ends listening. */
  @FunctionalInterface
  interface Subscription {
    /** The listener is told no more. */
    void end();
  }
}
