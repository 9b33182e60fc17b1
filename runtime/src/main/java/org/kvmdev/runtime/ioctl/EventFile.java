package org.kvmdev.runtime.ioctl;

import java.util.ArrayList;
import java.util.List;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Event;

/** An eventfd of this process: a count that is added to, and taken out as a whole. */
final class EventFile extends OpenFile implements Event {
  private static final KvmException NOT_KVM =
      KvmException.constant(Errno.ENOTTY, "the file is an eventfd: it has no such request");
  private static final KvmException EMPTY =
      KvmException.constant(Errno.EAGAIN, "the eventfd's count is 0; nobody has signalled");
  private static final KvmException FULL =
      KvmException.constant(Errno.EAGAIN, "the eventfd's count would pass 2^64 - 2; read it first");

  /** Guarded by this. */
  private final List<Listener> listeners = new ArrayList<>();

  /** Guarded by this; unsigned. */
  private long count;

  EventFile(long initial) {
    super(FileKind.OTHER, null);
    count = initial;
  }

  @Override
  long ioctl(KvmProcess caller, int request, long argument) throws KvmException {
    throw NOT_KVM;
  }

  @Override
  String name() {
    return "anon_inode:[eventfd]";
  }

  @Override
  void end() {
    List<Listener> told;
    synchronized (this) {
      told = List.copyOf(listeners);
      listeners.clear();
    }
    told.forEach(Listener::ended);
  }

  @Override
  public void signal() {
    synchronized (this) {
      if (count != -2) {
        count++;
      }
    }
  }

  /** The client adds to the count; who listens takes it out. */
  void write(long value) throws KvmException {
    List<Listener> told;
    synchronized (this) {
      if (value == -1) {
        throw new KvmException(Errno.EINVAL, "an eventfd is not added %#x to", value);
      }
      if (Long.compareUnsigned(count, -2 - value) > 0) {
        throw FULL;
      }
      count += value;
      told = count == 0 ? List.of() : List.copyOf(listeners);
      if (!told.isEmpty()) {
        count = 0;
      }
    }
    told.forEach(Listener::signalled);
  }

  /** The client takes the count out. */
  synchronized long read() throws KvmException {
    if (count == 0) {
      throw EMPTY;
    }
    long value = count;
    count = 0;
    return value;
  }

  @Override
  public Subscription listen(Listener listener) {
    boolean now;
    synchronized (this) {
      listeners.add(listener);
      now = count != 0;
    }
    if (now) {
      listener.signalled();
    }
    return () -> {
      synchronized (this) {
        listeners.remove(listener);
      }
    };
  }
}
