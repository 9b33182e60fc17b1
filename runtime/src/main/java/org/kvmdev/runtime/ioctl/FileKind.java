package org.kvmdev.runtime.ioctl;

import org.kvmdev.api.Errno;
import org.kvmdev.api.Host;

/** What kind of file a file descriptor refers to, which says what requests can be made on it. */
public enum FileKind {
  /** /dev/kvm. */
  SYSTEM("/dev/kvm", "kvm", Errno.EINVAL),
  /** A VM. */
  VM("a VM", "vm", Errno.ENOTTY),
  /** A vCPU. */
  VCPU("a vCPU", "vcpu", Errno.EINVAL),
  /** A device. */
  DEVICE("a device", "device", Errno.ENOTTY),
  /** A file that is not KVM's: a pipe, a regular file. */
  OTHER("a file that is not KVM's", "other", Errno.ENOTTY);

  private final String text;
  private final String key;
  private final Errno usual;

  FileKind(String text, String key, Errno usual) {
    this.text = text;
    this.key = key;
    this.usual = usual;
  }

  /** What a host answers to a request that such a file does not have. */
  Errno unknownRequest(Host host) {
    return host.errno(key + ".ioctl", usual);
  }

  /** Whether a host has attributes on such a file at all. */
  boolean hasAttributes(Host host) {
    return this == DEVICE || host.has(key + ".attrs");
  }

  /** What a host answers to an attribute that such a file does not have. */
  Errno unknownAttribute(Host host) {
    return host.errno(key + ".attrs", usual);
  }

  @Override
  public String toString() {
    return text;
  }
}
