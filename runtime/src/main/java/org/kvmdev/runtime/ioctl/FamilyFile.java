package org.kvmdev.runtime.ioctl;

import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.machine.MadeFile;

/** A file that a request has made: a family's, or the statistics. */
final class FamilyFile extends OpenFile {
  private static final KvmException NO_REQUESTS =
      KvmException.constant(Errno.ENOTTY, "the file has no requests");
  private static final KvmException NOT_READABLE =
      KvmException.constant(Errno.EBADF, "the file is not opened to be read");
  private static final KvmException NOT_WRITABLE =
      KvmException.constant(Errno.EBADF, "the file is not opened to be written");

  private final MadeFile file;
  private final Runnable end;

  /**
   * A file.
   *
   * @param file what it does
   * @param end what is done with its last descriptor, after the file was closed
   */
  FamilyFile(MadeFile file, Runnable end) {
    super(FileKind.OTHER, null);
    this.file = file;
    this.end = end;
    flags = file.isReadable() ? file.isWritable() ? FileStatus.READ_WRITE : 0 : 1;
  }

  @Override
  long ioctl(KvmProcess caller, int request, long argument) throws KvmException {
    throw NO_REQUESTS;
  }

  @Override
  String name() {
    return "anon_inode:" + file.name();
  }

  int read(byte[] to) throws KvmException {
    if (!file.isReadable()) {
      throw NOT_READABLE;
    }
    return file.read(to);
  }

  int write(byte[] from) throws KvmException {
    if (!file.isWritable()) {
      throw NOT_WRITABLE;
    }
    return file.write(from);
  }

  @Override
  DeviceOps.Mapping mmap(long offset, long length) throws KvmException {
    return file.mmap(offset, length);
  }

  @Override
  long size(KvmProcess caller) {
    return file.mappable();
  }

  @Override
  byte[] content() {
    return file.content();
  }

  @Override
  void end() {
    file.close();
    end.run();
  }
}
