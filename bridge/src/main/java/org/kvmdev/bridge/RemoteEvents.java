package org.kvmdev.bridge;

import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.kvmdev.runtime.Event;

/**
 * The eventfds of a client that a VM uses (KVM_IRQFD, KVM_IOEVENTFD). The client's own thread waits
 * for those that are listened to, and tells of them over the process's connection.
 */
final class RemoteEvents {
  private static final Cleaner CLEANER = Cleaner.create();

  private final Map<Long, WeakReference<RemoteEvent>> events = new ConcurrentHashMap<>();

  /** The process's connection, as soon as it is there. */
  private volatile @Nullable Connection connection;

  void connect(Connection own) {
    connection = own;
  }

  /** The event of a number; the same one, as long as a VM uses it. */
  Event of(long id) {
    synchronized (events) {
      WeakReference<RemoteEvent> known = events.get(id);
      RemoteEvent event = known == null ? null : known.get();
      if (event == null) {
        event = new RemoteEvent(id);
        WeakReference<RemoteEvent> reference = new WeakReference<>(event);
        events.put(id, reference);
        CLEANER.register(event, () -> forget(id, reference));
      }
      return event;
    }
  }

  /** Nobody uses an event any more: the client closes its descriptor of it. */
  private void forget(long id, WeakReference<RemoteEvent> reference) {
    synchronized (events) {
      if (events.remove(id, reference)) {
        post(MessageType.FORGET, id);
      }
    }
  }

  /** The client has signalled an event. */
  void signalled(long id) {
    WeakReference<RemoteEvent> known = events.get(id);
    RemoteEvent event = known == null ? null : known.get();
    Event.Listener listener = event == null ? null : event.listener;
    if (listener != null) {
      listener.signalled();
    }
  }

  private void post(int type, long id) {
    Connection own = connection;
    if (own != null) {
      try {
        own.post(type, id);
      } catch (IOException gone) {
        // So are its events.
      }
    }
  }

  /** An eventfd of the client. */
  private final class RemoteEvent implements Event {
    private final long id;
    private volatile @Nullable Listener listener;

    RemoteEvent(long id) {
      this.id = id;
    }

    @Override
    public void signal() {
      post(MessageType.SIGNAL, id);
    }

    @Override
    public Subscription listen(Listener who) {
      listener = who;
      post(MessageType.LISTEN, id);
      return () -> {
        listener = null;
        post(MessageType.UNLISTEN, id);
      };
    }
  }
}
