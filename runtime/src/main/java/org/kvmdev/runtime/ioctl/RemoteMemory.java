package org.kvmdev.runtime.ioctl;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;

/**
 * The memory of a client that is another process. What was copied in last on a thread is kept until
 * its request ends, so that a structure is one message, and is seen as it was at one moment, as
 * after {@code copy_from_user}.
 */
final class RemoteMemory extends CallerMemory {
  private final RemoteClient client;
  private final ThreadLocal<Copy> copies = ThreadLocal.withInitial(Copy::new);

  /** What a thread has copied in. */
  private static final class Copy {
    byte[] bytes = new byte[64];
    long address;
    int length;

    boolean has(long first, int count) {
      return first - address >= 0 && first - address <= length - count;
    }
  }

  RemoteMemory(Host host, RemoteClient client) {
    super(host.byteOrder());
    this.client = client;
  }

  /** A request begins on this thread: what an earlier one copied in is stale. */
  void forget() {
    copies.get().length = 0;
  }

  @Override
  void requireReadable(long address, int length) throws KvmException {
    copyIn(address, length);
  }

  @Override
  byte @Nullable [] window(long address, int length) {
    try {
      return copyIn(address, length).bytes;
    } catch (KvmException fault) {
      return null;
    }
  }

  @Override
  int offset(long address) {
    return (int) (address - copies.get().address);
  }

  private Copy copyIn(long address, int length) throws KvmException {
    Copy copy = copies.get();
    if (!copy.has(address, length)) {
      copy.length = 0;
      if (copy.bytes.length < length) {
        copy.bytes = new byte[length];
      }
      client.read(address, copy.bytes, 0, length);
      copy.address = address;
      copy.length = length;
    }
    return copy;
  }

  /** Bytes are the client's at this moment: they may be guest memory, which others change. */
  @Override
  public void read(long address, byte[] to, int at, int length) throws KvmException {
    client.read(address, to, at, length);
  }

  @Override
  public void write(long address, byte[] from, int at, int length) throws KvmException {
    copies.get().length = 0;
    client.write(address, from, at, length);
  }

  @Override
  public long readNumber(long address, int size) throws KvmException {
    Copy copy = copies.get();
    if (copy.has(address, size)) {
      return get(copy.bytes, (int) (address - copy.address), size);
    }
    byte[] bytes = new byte[size];
    client.read(address, bytes, 0, size);
    return get(bytes, 0, size);
  }

  @Override
  public void writeNumber(long address, int size, long value) throws KvmException {
    byte[] bytes = new byte[size];
    put(bytes, 0, size, value);
    write(address, bytes, 0, size);
  }
}
