package org.kvmdev.runtime.ioctl;

import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Host;
import org.kvmdev.api.KvmException;

/**
 * The address space of a client process that lives in this JVM: mappings of whole pages, and
 * nothing in between. A mapping costs heap only where it was written, so that a guest's memory of
 * many GiB can be mapped and left alone.
 *
 * <p>Low addresses, 0 among them, and those of the kernel's half are never mapped. Copies behave as
 * the kernel's: one that meets an unmapped page fails with EFAULT, and a copy out has written the
 * bytes before. A number is written whole or not at all.
 *
 * <p>It can be used from any thread. As in a real process, two threads that use the same bytes at
 * the same time settle the order themselves.
 */
public final class ProcessMemory extends CallerMemory {
  /** The size of a page in bytes, where a host does not say otherwise. */
  public static final int PAGE = 4096;

  private static final int CHUNK_BITS = 16;
  private static final int CHUNK = 1 << CHUNK_BITS;
  private static final long FIRST = 0x1000_0000L;

  /** The end of what the table of chunks can reach. */
  private static final long LIMIT = FIRST + ((long) (Integer.MAX_VALUE - 8) << CHUNK_BITS);

  /** Stands for a whole chunk that is mapped and was never written. */
  private static final byte[] UNTOUCHED = {};

  private final int page;
  private final long end;

  /** By address, guarded by this. */
  private final TreeMap<Long, Mapping> mappings = new TreeMap<>();

  /**
   * The chunks that can be read, and those that can be written, by the address's high bits; null is
   * not mapped. The arrays are replaced when they grow; their elements change under the lock.
   */
  private volatile byte[] @Nullable [] readable = {};

  private volatile byte[] @Nullable [] writable = {};

  private record Mapping(long begin, long size, boolean readOnly) {
    long end() {
      return begin + size;
    }
  }

  /**
   * An empty address space with pages of 4096 bytes.
   *
   * @param order the order of numbers in it
   */
  public ProcessMemory(ByteOrder order) {
    this(order, PAGE, LIMIT);
  }

  private ProcessMemory(ByteOrder order, int page, long end) {
    if (Integer.bitCount(page) != 1 || page > CHUNK) {
      throw new IllegalArgumentException(
          "pages of " + page + " bytes: a power of 2 up to " + CHUNK);
    }
    super(order);
    this.page = page;
    this.end = end;
  }

  /**
   * An empty address space of a process on a host.
   *
   * @param host says the order of numbers, the size of a page, and where addresses end
   * @return the address space
   */
  public static ProcessMemory of(Host host) {
    return new ProcessMemory(
        host.byteOrder(),
        (int) host.number("page.size", PAGE),
        Math.min(LIMIT, host.number("user.end", LIMIT)));
  }

  /**
   * The size of a page.
   *
   * @return bytes; mappings are whole pages
   */
  public int page() {
    return page;
  }

  /**
   * Maps fresh memory, readable and writable, filled with zeros.
   *
   * @param size its size in bytes, rounded up to whole pages
   * @return its address; the pages before and behind it are not mapped
   * @throws IllegalArgumentException where the size is not positive, or larger than an address
   *     space
   */
  public long map(long size) {
    return map(size, false);
  }

  /**
   * Maps fresh memory, filled with zeros.
   *
   * @param size its size in bytes, rounded up to whole pages
   * @param readOnly whether writing it is EFAULT; {@link #protect} changes that
   * @return its address; the pages before and behind it are not mapped
   * @throws IllegalArgumentException where the size is not positive, or larger than an address
   *     space
   */
  public synchronized long map(long size, boolean readOnly) {
    if (size <= 0 || size > end - FIRST) {
      throw new IllegalArgumentException(
          "a mapping of " + size + " bytes; it has at least 1, and less than an address space");
    }
    long rounded = size + page - 1 & -page;
    Mapping made = new Mapping(gap(rounded), rounded, readOnly);
    mappings.put(made.begin, made);
    grow(chunkOf(made.end() - 1) + 1);
    for (int chunk = chunkOf(made.begin); chunk <= chunkOf(made.end() - 1); chunk++) {
      long length = Math.min(CHUNK, made.end() - addressOf(chunk));
      byte[] bytes = length == CHUNK ? UNTOUCHED : new byte[(int) length];
      readable[chunk] = bytes;
      writable[chunk] = readOnly ? null : bytes;
    }
    return made.begin;
  }

  /**
   * Takes a mapping away; whoever uses its addresses afterwards gets EFAULT.
   *
   * @param address what {@link #map} answered
   * @throws IllegalArgumentException where no mapping begins there
   */
  public synchronized void unmap(long address) {
    Mapping gone = mappingAt(address);
    mappings.remove(address);
    int first = chunkOf(gone.begin);
    int end = chunkOf(gone.end() - 1) + 1;
    Arrays.fill(readable, first, end, null);
    Arrays.fill(writable, first, end, null);
  }

  /**
   * Makes a mapping read-only, or writable again.
   *
   * @param address what {@link #map} answered
   * @param readOnly whether writing it is EFAULT
   * @throws IllegalArgumentException where no mapping begins there
   */
  public synchronized void protect(long address, boolean readOnly) {
    Mapping old = mappingAt(address);
    mappings.put(address, new Mapping(old.begin, old.size, readOnly));
    for (int chunk = chunkOf(old.begin); chunk <= chunkOf(old.end() - 1); chunk++) {
      writable[chunk] = readOnly ? null : readable[chunk];
    }
  }

  @Override
  public void read(long address, byte[] to, int at, int length) throws KvmException {
    byte[] @Nullable [] chunks = readable;
    int done = 0;
    while (done < length) {
      byte[] chunk = chunk(chunks, address + done);
      int offset = offset(address + done);
      int step = Math.min(length - done, CHUNK - offset);
      if (chunk == UNTOUCHED) {
        Arrays.fill(to, at + done, at + done + step, (byte) 0);
      } else {
        step = chunk == null ? 0 : Math.min(step, chunk.length - offset);
        if (step <= 0) {
          throw unreadable(address + done);
        }
        System.arraycopy(chunk, offset, to, at + done, step);
      }
      done += step;
    }
  }

  @Override
  public void write(long address, byte[] from, int at, int length) throws KvmException {
    byte[] @Nullable [] chunks = writable;
    int done = 0;
    while (done < length) {
      byte[] chunk = chunk(chunks, address + done);
      if (chunk == UNTOUCHED) {
        chunk = touch(address + done);
      }
      int offset = offset(address + done);
      int step = chunk == null ? 0 : Math.min(length - done, chunk.length - offset);
      if (step <= 0) {
        throw unwritable(address + done);
      }
      System.arraycopy(from, at + done, chunk, offset, step);
      done += step;
    }
  }

  @Override
  public long readNumber(long address, int size) throws KvmException {
    byte[] chunk = chunk(readable, address);
    int offset = offset(address);
    if (chunk == null) {
      throw unreadable(address);
    }
    if (offset <= chunk.length - Long.BYTES) {
      return first(chunk, offset, size);
    }
    return offset <= chunk.length - size ? get(chunk, offset, size) : gather(address, size);
  }

  @Override
  public void writeNumber(long address, int size, long value) throws KvmException {
    byte[] chunk = chunk(writable, address);
    int offset = offset(address);
    if (chunk == null) {
      throw unwritable(address);
    }
    if (offset <= chunk.length - size) {
      put(chunk, offset, size, value);
    } else {
      scatter(address, size, value);
    }
  }

  @Override
  void requireReadable(long address, int length) throws KvmException {
    byte[] @Nullable [] chunks = readable;
    int done = 0;
    while (done < length) {
      byte[] chunk = chunk(chunks, address + done);
      int here = (chunk == UNTOUCHED ? CHUNK : chunk == null ? 0 : chunk.length);
      if (offset(address + done) >= here) {
        throw unreadable(address + done);
      }
      done += here - offset(address + done);
    }
  }

  @Override
  byte @Nullable [] window(long address, int length) {
    byte[] chunk = chunk(readable, address);
    return chunk != null && offset(address) <= chunk.length - length ? chunk : null;
  }

  @Override
  int offset(long address) {
    return (int) address & CHUNK - 1;
  }

  /**
   * The same mappings with the same content, apart from now on: what a fork makes.
   *
   * @return the copy
   */
  synchronized ProcessMemory copy() {
    ProcessMemory copy = new ProcessMemory(order(), page, end);
    copy.mappings.putAll(mappings);
    copy.grow(readable.length);
    for (int chunk = 0; chunk < readable.length; chunk++) {
      byte[] bytes = readable[chunk];
      copy.readable[chunk] = bytes == null || bytes == UNTOUCHED ? bytes : bytes.clone();
      copy.writable[chunk] = writable[chunk] == null ? null : copy.readable[chunk];
    }
    return copy;
  }

  private Mapping mappingAt(long address) {
    Mapping mapping = mappings.get(address);
    if (mapping == null) {
      throw new IllegalArgumentException(
          "no mapping begins at 0x" + Long.toHexString(address) + "; map answers where one does");
    }
    return mapping;
  }

  /** The lowest place with an unmapped chunk before and behind. */
  private long gap(long size) {
    long begin = FIRST;
    for (Mapping mapping : mappings.values()) {
      if (begin + size + CHUNK <= mapping.begin) {
        break;
      }
      begin = (mapping.end() + 2 * CHUNK - 1) & -CHUNK;
    }
    if (begin + size > end) {
      throw new IllegalArgumentException(
          "a mapping of " + size + " bytes; there is no room left in the address space");
    }
    return begin;
  }

  private void grow(int chunks) {
    if (chunks > readable.length) {
      int length = Math.max(chunks, readable.length + readable.length / 2);
      readable = Arrays.copyOf(readable, length);
      writable = Arrays.copyOf(writable, length);
    }
  }

  private static int chunkOf(long address) {
    return (int) (address - FIRST >>> CHUNK_BITS);
  }

  private static long addressOf(int chunk) {
    return FIRST + ((long) chunk << CHUNK_BITS);
  }

  private static byte @Nullable [] chunk(byte[] @Nullable [] chunks, long address) {
    long index = address - FIRST >>> CHUNK_BITS;
    return index < chunks.length ? chunks[(int) index] : null;
  }

  /** The bytes of a chunk that is about to be written for the first time; null if it is gone. */
  private synchronized byte @Nullable [] touch(long address) {
    int index = chunkOf(address);
    if (writable[index] == UNTOUCHED) {
      byte[] bytes = new byte[CHUNK];
      readable[index] = bytes;
      writable[index] = bytes;
    }
    return writable[index];
  }

  /** Reads a number that lies in two chunks, or in one that was never written, or nowhere. */
  private long gather(long address, int size) throws KvmException {
    byte[] @Nullable [] chunks = readable;
    long value = 0;
    for (int i = 0; i < size; i++) {
      byte[] chunk = chunk(chunks, address + i);
      int offset = offset(address + i);
      long octet = 0;
      if (chunk != UNTOUCHED) {
        if (chunk == null || offset >= chunk.length) {
          throw unreadable(address + i);
        }
        octet = chunk[offset] & 0xff;
      }
      value |= octet << shift(i, size);
    }
    return value;
  }

  /** Writes a number that lies in two chunks, or in one that was never written, or nowhere. */
  private void scatter(long address, int size, long value) throws KvmException {
    byte[] @Nullable [] chunks = writable;
    for (int i = 0; i < size; i++) {
      byte[] chunk = chunk(chunks, address + i);
      if (chunk == null || chunk != UNTOUCHED && offset(address + i) >= chunk.length) {
        throw unwritable(address + i);
      }
    }
    for (int i = 0; i < size; i++) {
      byte[] chunk = chunk(chunks, address + i);
      if (chunk == UNTOUCHED) {
        chunk = touch(address + i);
      }
      if (chunk == null) {
        throw unwritable(address + i);
      }
      chunk[offset(address + i)] = (byte) (value >>> shift(i, size));
    }
  }

  /**
   * How much heap the mapped memory takes.
   *
   * @return bytes in chunks that exist
   */
  synchronized long resident() {
    long sum = 0;
    for (byte[] chunk : readable) {
      sum += chunk == null ? 0 : chunk.length;
    }
    return sum;
  }
}
