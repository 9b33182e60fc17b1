package org.kvmdev.runtime.ioctl;

import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Operation;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.ioctl.Struct.DeviceAttr;

/** A device's file. */
final class DeviceFile extends OpenFile {
  private final Device device;
  private final RequestNumbers requests;

  DeviceFile(KvmProcess owner, Device device) {
    super(FileKind.DEVICE, owner);
    this.device = device;
    this.requests = owner.requests();
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

  /** In the kernel's order: EIO, then EPERM or ENOTTY, then EFAULT, then the device's own. */
  @Override
  long ioctl(KvmProcess caller, int request, long argument) throws KvmException {
    requireOwner(caller);
    if (request == requests.getAttr) {
      access(Operation.GET_ATTR, argument, caller);
    } else if (request == requests.setAttr) {
      access(Operation.SET_ATTR, argument, caller);
    } else if (request == requests.hasAttr) {
      access(Operation.HAS_ATTR, argument, caller);
    } else {
      return device.ioctl(request, argument, caller.memory());
    }
    return 0;
  }

  private void access(Operation operation, long struct, KvmProcess caller) throws KvmException {
    device.require(operation);
    ProcessMemory memory = caller.memory();
    int group;
    long attr;
    long address;
    byte[] window = memory.window(struct, DeviceAttr.SIZE);
    if (window != null) {
      int at = ProcessMemory.offset(struct);
      group = memory.intAt(window, at + DeviceAttr.GROUP);
      attr = memory.longAt(window, at + DeviceAttr.ATTR);
      address = memory.longAt(window, at + DeviceAttr.ADDR);
    } else {
      memory.requireReadable(struct, DeviceAttr.SIZE);
      group = (int) memory.readNumber(struct + DeviceAttr.GROUP, 4);
      attr = memory.readNumber(struct + DeviceAttr.ATTR, 8);
      address = memory.readNumber(struct + DeviceAttr.ADDR, 8);
    }
    address = caller.pointer(address);
    switch (operation) {
      case GET_ATTR -> device.get(group, attr, address, memory);
      case SET_ATTR -> device.set(group, attr, address, memory);
      default -> device.has(group, attr);
    }
  }
}
