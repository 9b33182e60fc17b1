package org.kvmdev.runtime.ioctl;

import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/** A file that is not KVM's: it takes a number, and has none of KVM's requests. */
final class OtherFile extends OpenFile {
  private static final KvmException NOT_KVM =
      KvmException.constant(Errno.ENOTTY, "the file is not KVM's: it has no such request");

  private final String name;

  OtherFile(String name) {
    super(FileKind.OTHER, null);
    this.name = name;
  }

  @Override
  long ioctl(KvmProcess caller, int request, long argument) throws KvmException {
    throw NOT_KVM;
  }

  @Override
  String name() {
    return name;
  }
}
