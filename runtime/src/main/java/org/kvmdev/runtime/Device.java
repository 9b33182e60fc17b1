package org.kvmdev.runtime;

import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeDevice;
import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.Operation;
import org.kvmdev.api.UserMemory;

/** A reference to a device, as a file descriptor is one. */
public final class Device implements AutoCloseable {
  private final LiveDevice device;
  private final VirtualMachine machine;
  private final DeviceType type;
  private final DeviceOps ops;

  /** The same, where it hands refusals over. */
  private final @Nullable AttributeDevice<?> attributes;

  private final AtomicBoolean closed = new AtomicBoolean();

  Device(LiveDevice device) {
    this.device = device;
    this.machine = device.machine;
    this.type = device.type;
    this.ops = device.ops;
    this.attributes = ops instanceof AttributeDevice<?> own ? own : null;
  }

  /**
   * The device's type.
   *
   * @return the type
   */
  public DeviceType type() {
    return device.type;
  }

  /**
   * One more reference to the device: {@code kvm_device_get}; closing it is {@code kvm_device_put}.
   *
   * @return the reference
   * @throws KvmException EIO where the device has ended
   */
  public Device acquire() throws KvmException {
    device.machine.reference(device);
    return new Device(device);
  }

  /**
   * What implements the device, for who hands it to its own family: {@code kvm_device_from_filp}.
   *
   * @return the device's operations
   */
  public DeviceOps ops() {
    return ops;
  }

  /**
   * The checks that come before a call's structure is read: EIO where the VM is dead, then what a
   * type without the operation answers.
   *
   * @param operation which
   * @throws KvmException EIO, EPERM, ENOTTY or ENODEV
   */
  public void require(Operation operation) throws KvmException {
    KvmException refusal = refusal(operation);
    if (refusal != null) {
      throw refusal;
    }
  }

  /**
   * The same checks, for who hands refusals over and does not throw them.
   *
   * @param operation which
   * @return the refusal; null where the operation may be called
   */
  public @Nullable KvmException refusal(Operation operation) {
    if (machine.dead) {
      return VirtualMachine.DEAD;
    }
    return type.has(operation) ? null : operation.refusal();
  }

  /**
   * KVM_HAS_DEVICE_ATTR.
   *
   * @param group the group's number
   * @param attr the attribute's number
   * @throws KvmException ENXIO where the device does not have it
   */
  public void has(int group, long attr) throws KvmException {
    require(Operation.HAS_ATTR);
    KvmException refusal = tryHas(group, attr);
    if (refusal != null) {
      throw refusal;
    }
  }

  /**
   * {@link #has(int, long)} for who has asked {@link #refusal}, hands refusals over and does not
   * throw them.
   *
   * @param group the group's number
   * @param attr the attribute's number
   * @return the refusal; null for success
   */
  public @Nullable KvmException tryHas(int group, long attr) {
    try {
      if (attributes != null) {
        return attributes.tryHas(group, attr);
      }
      ops.hasAttr(group, attr);
      return null;
    } catch (KvmException thrown) {
      return thrown;
    } catch (RuntimeException | Error fault) {
      return Containment.contain(fault, ops);
    }
  }

  /**
   * KVM_SET_DEVICE_ATTR with data in a client's memory.
   *
   * @param group the group's number
   * @param attr the attribute's number
   * @param address where the data are
   * @param memory the client's memory
   * @throws KvmException where it is refused
   */
  public void set(int group, long attr, long address, UserMemory memory) throws KvmException {
    require(Operation.SET_ATTR);
    KvmException refusal = trySet(group, attr, address, memory);
    if (refusal != null) {
      throw refusal;
    }
  }

  /**
   * {@link #set(int, long, long, UserMemory)} for who has asked {@link #refusal}, hands refusals
   * over and does not throw them.
   *
   * @param group the group's number
   * @param attr the attribute's number
   * @param address where the data are
   * @param memory the client's memory
   * @return the refusal; null for success
   */
  public @Nullable KvmException trySet(int group, long attr, long address, UserMemory memory) {
    try {
      if (attributes != null) {
        return attributes.trySet(group, attr, address, memory);
      }
      ops.setAttr(group, attr, address, memory);
      return null;
    } catch (KvmException thrown) {
      return thrown;
    } catch (RuntimeException | Error fault) {
      return Containment.contain(fault, ops);
    }
  }

  /**
   * KVM_GET_DEVICE_ATTR with data in a client's memory.
   *
   * @param group the group's number
   * @param attr the attribute's number
   * @param address where the data are wanted
   * @param memory the client's memory
   * @throws KvmException where it is refused
   */
  public void get(int group, long attr, long address, UserMemory memory) throws KvmException {
    require(Operation.GET_ATTR);
    KvmException refusal = tryGet(group, attr, address, memory);
    if (refusal != null) {
      throw refusal;
    }
  }

  /**
   * {@link #get(int, long, long, UserMemory)} for who has asked {@link #refusal}, hands refusals
   * over and does not throw them.
   *
   * @param group the group's number
   * @param attr the attribute's number
   * @param address where the data are wanted
   * @param memory the client's memory
   * @return the refusal; null for success
   */
  public @Nullable KvmException tryGet(int group, long attr, long address, UserMemory memory) {
    try {
      if (attributes != null) {
        return attributes.tryGet(group, attr, address, memory);
      }
      ops.getAttr(group, attr, address, memory);
      return null;
    } catch (KvmException thrown) {
      return thrown;
    } catch (RuntimeException | Error fault) {
      return Containment.contain(fault, ops);
    }
  }

  /**
   * KVM_SET_DEVICE_ATTR of a number.
   *
   * @param group the group's number
   * @param attr the attribute's number
   * @param value the value; ignored where the attribute has no data
   * @throws KvmException where it is refused
   */
  public void set(int group, long attr, long value) throws KvmException {
    set(group, attr, 0, new ValueMemory(value));
  }

  /**
   * KVM_GET_DEVICE_ATTR of a number.
   *
   * @param group the group's number
   * @param attr the attribute's number
   * @return the value, zero-extended
   * @throws KvmException where it is refused
   */
  public long get(int group, long attr) throws KvmException {
    ValueMemory memory = new ValueMemory(0);
    get(group, attr, 0, memory);
    return memory.value();
  }

  /**
   * KVM_SET_DEVICE_ATTR of an attribute with a number of its own.
   *
   * @param attribute one of {@link DeviceType#attributes()}
   * @param value the value
   * @throws KvmException where it is refused
   */
  public void set(Attribute attribute, long value) throws KvmException {
    set(attribute.group().number(), attribute.number(), value);
  }

  /**
   * KVM_GET_DEVICE_ATTR of an attribute with a number of its own.
   *
   * @param attribute one of {@link DeviceType#attributes()}
   * @return the value, zero-extended
   * @throws KvmException where it is refused
   */
  public long get(Attribute attribute) throws KvmException {
    return get(attribute.group().number(), attribute.number());
  }

  /**
   * An attribute by its name.
   *
   * @param name as {@link Attribute#name()}
   * @return the attribute
   * @throws IllegalArgumentException where there is none; the message says which there are
   */
  public Attribute attribute(String name) {
    return type().attributes().stream()
        .filter(attribute -> attribute.name().equals(name))
        .findAny()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    type() + " has no attribute " + name + "; it has: " + type().attributes()));
  }

  /**
   * A request of the device's own.
   *
   * @param request the encoded number
   * @param argument the request's argument
   * @param memory the client's memory
   * @return what it returns
   * @throws KvmException ENOTTY for a request that it does not have
   */
  public long ioctl(int request, long argument, UserMemory memory) throws KvmException {
    require(Operation.IOCTL);
    try {
      return ops.ioctl(request, argument, memory);
    } catch (RuntimeException | Error fault) {
      throw Containment.contain(fault, ops);
    }
  }

  /**
   * Maps a part of the device.
   *
   * @param offset the byte offset of the mapping's first page
   * @param length its length in bytes
   * @return what loads and stores reach
   * @throws KvmException ENODEV where the type cannot be mapped
   */
  public DeviceOps.Mapping mmap(long offset, long length) throws KvmException {
    if (!device.type.has(Operation.MMAP)) {
      throw Operation.MMAP.refusal();
    }
    try {
      return ops.mmap(offset, length);
    } catch (RuntimeException | Error fault) {
      throw Containment.contain(fault, ops);
    }
  }

  /** Drops the reference. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      device.machine.unreference(device);
    }
  }
}
