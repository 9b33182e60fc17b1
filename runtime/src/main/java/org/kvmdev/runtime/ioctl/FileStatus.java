package org.kvmdev.runtime.ioctl;

/**
 * What a client finds out about a file descriptor: {@code readlink} of /proc/self/fd, {@code
 * fstat}, {@code fcntl}.
 *
 * @param kind what kind of file it refers to
 * @param name {@code /dev/kvm}, {@code anon_inode:kvm-vm}, {@code anon_inode:kvm-vcpu:0}, {@code
 *     anon_inode:} with the device type's file name
 * @param mode the permissions ({@code st_mode})
 * @param size the size in bytes ({@code st_size})
 * @param flags the access mode and status flags ({@code F_GETFL})
 * @param closeOnExec whether the descriptor is closed on exec ({@code F_GETFD})
 */
public record FileStatus(
    FileKind kind, String name, int mode, long size, int flags, boolean closeOnExec) {
  /** O_RDWR: the access mode of every file of KVM's. */
  public static final int READ_WRITE = 2;

  /** O_NONBLOCK; it can be set and changes nothing. */
  public static final int NON_BLOCKING = 0x800;

  /** The permissions of every file of KVM's. */
  static final int MODE = 0600;
}
