package org.kvmdev.runtime.ioctl;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Operation;
import org.kvmdev.runtime.Device;
import org.kvmdev.runtime.ioctl.Struct.DeviceAttr;

/**
 * The three requests that every device has, in the order of their numbers.
 *
 * <p>Each is a class of its own, and a refusal is handed over, not thrown: to leave a compiled
 * method by an exception costs several times what the whole request does. Since which of the three
 * is called is found at run time, each is compiled alone and with all that it calls, and what calls
 * it stays small enough to be inlined into the client's code, where the throw is a jump.
 */
enum Accessor {
  /** KVM_SET_DEVICE_ATTR. */
  SET(Operation.SET_ATTR) {
    @Override
    @Nullable KvmException access(Device device, KvmProcess caller, long struct) {
      CallerMemory memory = caller.callerMemory();
      byte[] window = memory.window(struct, DeviceAttr.SIZE);
      if (window == null) {
        return accessScattered(device, caller, struct);
      }
      int at = memory.offset(struct);
      return device.trySet(
          memory.intAt(window, at + DeviceAttr.GROUP),
          memory.longAt(window, at + DeviceAttr.ATTR),
          caller.pointer(memory.longAt(window, at + DeviceAttr.ADDR)),
          memory);
    }

    @Override
    @Nullable KvmException access(
        Device device, int group, long attr, long address, CallerMemory memory) {
      return device.trySet(group, attr, address, memory);
    }
  },

  /** KVM_GET_DEVICE_ATTR. */
  GET(Operation.GET_ATTR) {
    @Override
    @Nullable KvmException access(Device device, KvmProcess caller, long struct) {
      CallerMemory memory = caller.callerMemory();
      byte[] window = memory.window(struct, DeviceAttr.SIZE);
      if (window == null) {
        return accessScattered(device, caller, struct);
      }
      int at = memory.offset(struct);
      return device.tryGet(
          memory.intAt(window, at + DeviceAttr.GROUP),
          memory.longAt(window, at + DeviceAttr.ATTR),
          caller.pointer(memory.longAt(window, at + DeviceAttr.ADDR)),
          memory);
    }

    @Override
    @Nullable KvmException access(
        Device device, int group, long attr, long address, CallerMemory memory) {
      return device.tryGet(group, attr, address, memory);
    }
  },

  /** KVM_HAS_DEVICE_ATTR. */
  HAS(Operation.HAS_ATTR) {
    @Override
    @Nullable KvmException access(Device device, KvmProcess caller, long struct) {
      CallerMemory memory = caller.callerMemory();
      byte[] window = memory.window(struct, DeviceAttr.SIZE);
      if (window == null) {
        return accessScattered(device, caller, struct);
      }
      int at = memory.offset(struct);
      return device.tryHas(
          memory.intAt(window, at + DeviceAttr.GROUP), memory.longAt(window, at + DeviceAttr.ATTR));
    }

    @Override
    @Nullable KvmException access(
        Device device, int group, long attr, long address, CallerMemory memory) {
      return device.tryHas(group, attr);
    }
  };

  /** The operation that a device type may lack. */
  final Operation operation;

  Accessor(Operation operation) {
    this.operation = operation;
  }

  /**
   * Reads the request's structure and does it.
   *
   * @param device a device that has the operation
   * @param caller who makes the request
   * @param struct where its structure is
   * @return the refusal; null for success
   */
  abstract @Nullable KvmException access(Device device, KvmProcess caller, long struct);

  abstract @Nullable KvmException access(
      Device device, int group, long attr, long address, CallerMemory memory);

  /** The same where the structure does not lie in one piece, or cannot be read. */
  @Nullable KvmException accessScattered(Device device, KvmProcess caller, long struct) {
    CallerMemory memory = caller.callerMemory();
    try {
      memory.requireReadable(struct, DeviceAttr.SIZE);
      return access(
          device,
          (int) memory.readNumber(struct + DeviceAttr.GROUP, 4),
          memory.readNumber(struct + DeviceAttr.ATTR, 8),
          caller.pointer(memory.readNumber(struct + DeviceAttr.ADDR, 8)),
          memory);
    } catch (KvmException fault) {
      return fault;
    }
  }
}
