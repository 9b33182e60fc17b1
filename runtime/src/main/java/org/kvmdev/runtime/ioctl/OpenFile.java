package org.kvmdev.runtime.ioctl;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Operation;

/**
 * An open file, to which one or more file descriptors of one or more processes refer. With the last
 * of them it is closed, and so is the reference that it stands for.
 */
abstract class OpenFile {
  static final KvmException FOREIGN =
      KvmException.constant(
          Errno.EIO, "the file belongs to a VM of another process; only its creator can use it");

  private static final byte[] NOTHING = {};

  /** What kind of file this is. */
  final FileKind kind;

  /** The process that made it and alone may make requests on it; null where everybody may. */
  final @Nullable KvmProcess owner;

  /** O_ACCMODE and status flags, as F_GETFL answers them. */
  volatile int flags = FileStatus.READ_WRITE;

  /** Guarded by this. */
  private int references = 1;

  OpenFile(FileKind kind, @Nullable KvmProcess owner) {
    this.kind = kind;
    this.owner = owner;
  }

  /**
   * Answers a request.
   *
   * @param caller who makes it
   * @param request the encoded number
   * @param argument a number or an address
   * @return what ioctl returns, not negative
   * @throws KvmException where it is refused
   */
  abstract long ioctl(KvmProcess caller, int request, long argument) throws KvmException;

  /** What {@code readlink} of /proc/self/fd answers. */
  abstract String name();

  /** How many bytes of it its client can map and shares with nobody: all of a vCPU's. */
  long size(KvmProcess caller) {
    return 0;
  }

  /** What can be read of it, where a client in another process has that in a file of its own. */
  byte[] content() {
    return NOTHING;
  }

  /** Closes what the file stands for. */
  void end() {}

  /** Maps a part of the file; only devices can be. */
  DeviceOps.Mapping mmap(long offset, long length) throws KvmException {
    throw Operation.MMAP.refusal();
  }

  /** The check that comes before all others. */
  final void requireOwner(KvmProcess caller) throws KvmException {
    if (caller != owner) {
      throw FOREIGN;
    }
  }

  final synchronized void reference() {
    references++;
  }

  final void unreference() {
    synchronized (this) {
      if (--references > 0) {
        return;
      }
    }
    end();
  }
}
