package org.kvmdev.api;

import org.jspecify.annotations.Nullable;

/**
 * A device whose accessors follow from its declared attributes. It finds the attribute, refuses
 * what is not declared, moves the data, and leaves to the device what is the device's: a {@code
 * switch} over the enum of its attributes for each of HAS, GET and SET.
 *
 * <p>The order is the kernel's: an unknown group; then, for SET, the data are read; then the
 * attribute does what it does; then, for GET, the data are written. So a SET with a bad address
 * changes nothing (but for {@link #unreadable}), and a GET with one has had its side effects.
 *
 * <p>Numbers of up to 8 bytes are passed as {@code long}, zero-extended, and nothing is allocated.
 *
 * @param <A> the enum of the device's attributes
 */
public abstract class AttributeDevice<A extends Enum<A> & AttributeId> implements DeviceOps {
  private static final KvmException UNKNOWN_GROUP =
      KvmException.constant(Errno.ENXIO, "the device type has no such attribute group");

  private final AttributeTable<A> table;

  /**
   * Made by a subclass.
   *
   * @param table the attributes of its type
   */
  protected AttributeDevice(AttributeTable<A> table) {
    this.table = table;
  }

  /**
   * Whether a declared attribute is there, where the declaration alone does not tell: a register at
   * an offset, a vCPU in the number.
   *
   * @param attribute which
   * @param attr the whole number
   * @throws KvmException where it is not
   */
  protected void has(A attribute, long attr) throws KvmException {}

  /**
   * Reads an attribute of at most 8 bytes.
   *
   * @param attribute which; its access includes GET
   * @param attr the whole number
   * @return its value; bits above its size are dropped
   * @throws KvmException where it cannot be read now
   */
  protected abstract long get(A attribute, long attr) throws KvmException;

  /**
   * Reads an attribute that is declared to read the caller's buffer first.
   *
   * @param attribute which
   * @param attr the whole number
   * @param given what the buffer held
   * @return its value
   * @throws KvmException where it cannot be read now
   */
  protected long get(A attribute, long attr, long given) throws KvmException {
    return get(attribute, attr);
  }

  /**
   * Told of a SET whose data cannot be read, before EFAULT is answered. Where the kernel looks at
   * the number first, what {@link #set} refuses for the number's sake is refused here too, and what
   * SET does before it reads its data is done.
   *
   * @param attribute which; its access includes SET
   * @param attr the whole number
   * @throws KvmException what is answered instead of EFAULT
   */
  protected void unreadable(A attribute, long attr) throws KvmException {}

  /**
   * Writes an attribute of at most 8 bytes, or does a request of no data.
   *
   * @param attribute which; its access includes SET
   * @param attr the whole number
   * @param value its new value, zero-extended; 0 for no data
   * @throws KvmException where it cannot be written now, or not to this
   */
  protected abstract void set(A attribute, long attr, long value) throws KvmException;

  /**
   * Reads an attribute of more than 8 bytes.
   *
   * @param attribute which
   * @param attr the whole number
   * @param data what receives it, of the declared size; holds the caller's buffer where the
   *     attribute is declared to read it first
   * @throws KvmException where it cannot be read now
   */
  protected void get(A attribute, long attr, byte[] data) throws KvmException {
    throw new UnsupportedOperationException(attribute + " declares a structure; override get");
  }

  /**
   * Writes an attribute of more than 8 bytes.
   *
   * @param attribute which
   * @param attr the whole number
   * @param data its new value, of the declared size
   * @throws KvmException where it cannot be written now, or not to this
   */
  protected void set(A attribute, long attr, byte[] data) throws KvmException {
    throw new UnsupportedOperationException(attribute + " declares a structure; override set");
  }

  @Override
  public final void hasAttr(int group, long attr) throws KvmException {
    refuse(tryHas(group, attr));
  }

  @Override
  public final void getAttr(int group, long attr, long address, UserMemory memory)
      throws KvmException {
    refuse(tryGet(group, attr, address, memory));
  }

  @Override
  public final void setAttr(int group, long attr, long address, UserMemory memory)
      throws KvmException {
    refuse(trySet(group, attr, address, memory));
  }

  private static void refuse(@Nullable KvmException refusal) throws KvmException {
    if (refusal != null) {
      throw refusal;
    }
  }

  /**
   * {@link #hasAttr} for the runtime, which hands refusals over: an exception that leaves a
   * compiled method costs several times what the call does.
   *
   * @param group the group's number
   * @param attr the attribute's number
   * @return the refusal; null for success
   */
  public final @Nullable KvmException tryHas(int group, long attr) {
    AttributeTable.Declared<A> found = table.declared(group, attr);
    if (found == null) {
      AttributeGroup declared = table.group(group);
      return unknown(declared, declared == null ? null : declared.unknownHas(), attr);
    }
    try {
      has(found.id, attr);
      return null;
    } catch (KvmException refusal) {
      return refusal;
    }
  }

  /**
   * {@link #getAttr} for the runtime, which hands refusals over.
   *
   * @param group the group's number
   * @param attr the attribute's number
   * @param address where the caller wants the data
   * @param memory the caller's memory
   * @return the refusal; null for success
   */
  public final @Nullable KvmException tryGet(
      int group, long attr, long address, UserMemory memory) {
    AttributeTable.Declared<A> found = table.declared(group, attr);
    try {
      if (found != null && found.readsNumber) {
        memory.writeNumber(address, found.size, get(found.id, attr));
      } else if (found != null && found.reads) {
        getBuffered(found, attr, address, memory);
      } else {
        return tryGetUndeclared(group, attr, address, memory);
      }
      return null;
    } catch (KvmException refusal) {
      return refusal;
    }
  }

  /** GET of a number that names nothing that can be read, unless with fewer of its bits it does. */
  private @Nullable KvmException tryGetUndeclared(
      int group, long attr, long address, UserMemory memory) {
    AttributeGroup declared = table.group(group);
    if (declared != null && (attr & declared.getMask()) != attr) {
      return tryGet(group, attr & declared.getMask(), address, memory);
    }
    return unknown(declared, declared == null ? null : declared.unknownGet(), attr);
  }

  /** GET of what is no number, or reads the caller's buffer first. */
  private void getBuffered(
      AttributeTable.Declared<A> found, long attr, long address, UserMemory memory)
      throws KvmException {
    int size = found.size;
    if (size <= 8) {
      memory.writeNumber(address, size, get(found.id, attr, memory.readNumber(address, size)));
      return;
    }
    byte[] data = new byte[size];
    if (found.readsBeforeGet) {
      memory.read(address, data, 0, size);
    }
    get(found.id, attr, data);
    memory.write(address, data, 0, size);
  }

  /**
   * {@link #setAttr} for the runtime, which hands refusals over.
   *
   * @param group the group's number
   * @param attr the attribute's number
   * @param address where the caller has the data
   * @param memory the caller's memory
   * @return the refusal; null for success
   */
  public final @Nullable KvmException trySet(
      int group, long attr, long address, UserMemory memory) {
    AttributeTable.Declared<A> found = table.declared(group, attr);
    if (found == null || !found.writes) {
      return trySetUndeclared(group, attr, address, memory);
    }
    if (found.size > 8) {
      return trySetStructure(found, attr, address, memory);
    }
    long value;
    try {
      value = found.size == 0 ? 0 : memory.readNumber(address, found.size);
    } catch (KvmException fault) {
      return unreadable(found, attr, fault);
    }
    try {
      set(found.id, attr, value);
      return null;
    } catch (KvmException refusal) {
      return refusal;
    }
  }

  private KvmException unreadable(AttributeTable.Declared<A> found, long attr, KvmException fault) {
    try {
      unreadable(found.id, attr);
      return fault;
    } catch (KvmException first) {
      return first;
    }
  }

  /** SET of a number that names nothing that can be written. */
  private @Nullable KvmException trySetUndeclared(
      int group, long attr, long address, UserMemory memory) {
    AttributeGroup declared = table.group(group);
    if (declared != null && declared.memoryFirst()) {
      try {
        memory.readNumber(address, sizeIn(declared));
      } catch (KvmException fault) {
        return fault;
      }
    }
    return unknown(declared, declared == null ? null : declared.unknownSet(), attr);
  }

  /** SET of more than a number. */
  private @Nullable KvmException trySetStructure(
      AttributeTable.Declared<A> found, long attr, long address, UserMemory memory) {
    byte[] data = new byte[found.size];
    try {
      memory.read(address, data, 0, found.size);
    } catch (KvmException fault) {
      return unreadable(found, attr, fault);
    }
    try {
      set(found.id, attr, data);
      return null;
    } catch (KvmException refusal) {
      return refusal;
    }
  }

  private int sizeIn(AttributeGroup group) {
    for (Attribute attribute : table.attributes()) {
      if (attribute.group() == group) {
        return attribute.size();
      }
    }
    throw new AssertionError(group + " has no attribute");
  }

  /** What an unknown number answers; null for success. */
  private static @Nullable KvmException unknown(
      @Nullable AttributeGroup group, @Nullable Errno errno, long attr) {
    if (group == null) {
      return UNKNOWN_GROUP;
    }
    return errno == null
        ? null
        : new KvmException(errno, "group %d has no attribute %#x", group.number(), attr);
  }
}
