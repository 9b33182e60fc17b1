package org.kvmdev.runtime.ioctl;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.KvmException;
import org.kvmdev.runtime.Device;

/** A device's file. */
final class DeviceFile extends OpenFile {
  private final Device device;

  DeviceFile(KvmProcess owner, Device device) {
    super(FileKind.DEVICE, owner);
    this.device = device;
  }

  Device device() {
    return device;
  }

  @Override
  String name() {
    return "anon_inode:" + device.type().fileName();
  }

  @Override
  void end() {
    device.close();
  }

  @Override
  DeviceOps.Mapping mmap(long offset, long length) throws KvmException {
    return device.mmap(offset, length);
  }

  @Override
  long ioctl(KvmProcess caller, int request, long argument) throws KvmException {
    requireOwner(caller);
    return device.ioctl(request, argument, caller.callerMemory());
  }

  /**
   * Gets, sets or asks for an attribute, in the kernel's order of checks: EIO, then EPERM, then
   * EFAULT for the structure, then the device's own.
   *
   * @param caller who makes the request
   * @param accessor which of the three
   * @param struct where its structure is
   * @return the refusal; null for success
   */
  @Nullable KvmException access(KvmProcess caller, Accessor accessor, long struct) {
    if (caller != owner) {
      return FOREIGN;
    }
    KvmException refusal = device.refusal(accessor.operation);
    return refusal != null ? refusal : accessor.access(device, caller, struct);
  }
}
