package org.kvmdev.runtime.ioctl;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Operation;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.ioctl.Struct.DeviceAttr;

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
   * <p>A refusal is handed over, not thrown, and this is one method on purpose. To leave a compiled
   * method by an exception costs several times what the whole request does. One of this length
   * (more than HotSpot's FreqInlineSize, 325 bytes) is never inlined, so that what calls it stays
   * small enough to be inlined into the client's code, where the throw is a jump.
   *
   * @param caller who makes the request
   * @param accessor which of the three, as {@link RequestNumbers#accessor} answers it
   * @param struct where its structure is
   * @return the refusal; null for success
   */
  @Nullable KvmException access(KvmProcess caller, int accessor, long struct) {
    try {
      requireOwner(caller);
      CallerMemory memory = caller.callerMemory();
      byte[] window = memory.window(struct, DeviceAttr.SIZE);
      int at = memory.offset(struct);
      if (accessor == RequestNumbers.GET) {
        KvmException refusal = refusal(Operation.GET_ATTR, memory, struct, window);
        if (refusal != null) {
          return refusal;
        }
        return window != null
            ? device.tryGet(
                memory.intAt(window, at + DeviceAttr.GROUP),
                memory.longAt(window, at + DeviceAttr.ATTR),
                caller.pointer(memory.longAt(window, at + DeviceAttr.ADDR)),
                memory)
            : device.tryGet(
                (int) memory.readNumber(struct + DeviceAttr.GROUP, 4),
                memory.readNumber(struct + DeviceAttr.ATTR, 8),
                caller.pointer(memory.readNumber(struct + DeviceAttr.ADDR, 8)),
                memory);
      }
      if (accessor == RequestNumbers.SET) {
        KvmException refusal = refusal(Operation.SET_ATTR, memory, struct, window);
        if (refusal != null) {
          return refusal;
        }
        return window != null
            ? device.trySet(
                memory.intAt(window, at + DeviceAttr.GROUP),
                memory.longAt(window, at + DeviceAttr.ATTR),
                caller.pointer(memory.longAt(window, at + DeviceAttr.ADDR)),
                memory)
            : device.trySet(
                (int) memory.readNumber(struct + DeviceAttr.GROUP, 4),
                memory.readNumber(struct + DeviceAttr.ATTR, 8),
                caller.pointer(memory.readNumber(struct + DeviceAttr.ADDR, 8)),
                memory);
      }
      KvmException refusal = refusal(Operation.HAS_ATTR, memory, struct, window);
      if (refusal != null) {
        return refusal;
      }
      return window != null
          ? device.tryHas(
              memory.intAt(window, at + DeviceAttr.GROUP),
              memory.longAt(window, at + DeviceAttr.ATTR))
          : device.tryHas(
              (int) memory.readNumber(struct + DeviceAttr.GROUP, 4),
              memory.readNumber(struct + DeviceAttr.ATTR, 8));
    } catch (KvmException thrown) {
      return thrown;
    }
  }

  /** What comes before the device's own answer. */
  private @Nullable KvmException refusal(
      Operation operation, CallerMemory memory, long struct, byte @Nullable [] window) {
    KvmException refusal = device.refusal(operation);
    return refusal != null || window != null ? refusal : memory.fault(struct, DeviceAttr.SIZE);
  }
}
